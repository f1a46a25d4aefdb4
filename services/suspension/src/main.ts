import { runService } from '#libs/host';
import { suspension } from './index.js';

await runService(suspension, process.env, process.argv.slice(2));
