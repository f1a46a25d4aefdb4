import { runService } from '#libs/host';
import { crlPublisher } from './index.js';

await runService(crlPublisher, process.env, process.argv.slice(2));
