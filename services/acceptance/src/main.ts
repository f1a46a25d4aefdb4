import { runService } from '#libs/host';
import { acceptance } from './index.js';

await runService(acceptance, process.env, process.argv.slice(2));
