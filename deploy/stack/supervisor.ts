import { systemClock } from '#libs/clock';
import { problemsOf, supervise } from './supervise.js';
import { portsOfEnvironment } from './stack-ports.js';

/**
 * The process behind `stack up`: `supervisor.js <folder>`, standard output is the folder's stack.log. SIGTERM stops all
 * parts and ends it with 0.
 */
const [dir] = process.argv.slice(2);
const clock = systemClock();
const log = (line: string) => console.log(`${clock.now().toISOString()} ${line}`);

const supervision = supervise({
  dir: dir!,
  ports: portsOfEnvironment(process.env),
  log,
  ...(process.env['DATABASE_URL'] ? { databaseUrl: process.env['DATABASE_URL'] } : {}),
});
let asked = false;
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    if (asked) return;
    asked = true;
    log(`stopping (${name})`);
    void supervision.stop().then(() => process.exit(0));
  });
}
process.on('SIGHUP', () => {}); // the terminal of `up` may go
// A part's child does not hold node: this does, until the end is asked for.
setInterval(() => {}, 60_000);
await supervision.firstRound;
log(problemsOf(supervision.stack).length === 0 ? 'all parts run' : 'some parts do not run; they are tried again');
