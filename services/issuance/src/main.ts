import { runService } from '#libs/host';
import { issuance } from './index.js';

await runService(issuance, process.env, process.argv.slice(2));
