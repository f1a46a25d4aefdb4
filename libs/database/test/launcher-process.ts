import { startPostgres } from '../src/index.js';

/** Starts the database and stays, until it is killed. */
const { url } = await startPostgres(JSON.parse(process.argv[2]!) as { dataDir: string });
process.stdout.write(`${url}\n`);
setInterval(() => {}, 60_000);
