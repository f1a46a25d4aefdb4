import { runService } from '#libs/host';
import { portal } from './index.js';

await runService(portal, process.env, process.argv.slice(2));
