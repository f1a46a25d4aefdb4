import { runService } from '#libs/host';
import { statusQuery } from './index.js';

await runService(statusQuery, process.env, process.argv.slice(2));
