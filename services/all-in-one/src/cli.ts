import { DEMO_USERS, isDemoUser } from './demo-users.js';
import { listDeadLetters, replayDeadLetter } from './dead-letters.cli.js';
import { approveList, explainLists, requestList } from './lists.cli.js';
import { runningInstance } from './running-instance.js';

const HELP = `npm run ca -- <command>

  token <user>   a bearer token, good for 8 hours, of a demo user of the running instance:
${Object.entries(DEMO_USERS)
  .map(([user, roles]) => `                 ${user.padEnd(10)} ${roles.join(', ')}`)
  .join('\n')}
  dead-letters [service]
                 events that a service, or any, could not digest, and those that wait behind one
  replay <service> <id>
                 tries them again: all of that letter's key, in order
  explain <number> <number>
                 every entry added, gone or changed from one revocation list to a later one, and the rows of the
                 status log that explain it
  publish <ground>
                 asks for an emergency list, as officer wang
  publish --approve <id>
                 approves it, as officer wu, and waits for the list

The instance's folder is DATA_DIR (default: data).
`;

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});

async function main([command, ...args]: string[]): Promise<number> {
  const instance = () => runningInstance(process.env);
  if (command === 'token' && args.length === 1) return token(args[0]!);
  if (command === 'dead-letters' && args.length <= 1) return listDeadLetters(instance(), args[0]);
  if (command === 'replay' && args.length === 2) return replayDeadLetter(instance(), args[0]!, args[1]!);
  if (command === 'explain' && args.length === 2) return explainLists(instance(), args[0]!, args[1]!);
  if (command === 'publish' && args.length === 2 && args[0] === '--approve') return approveList(instance(), args[1]!);
  if (command === 'publish' && args.length === 1 && !args[0]!.startsWith('-')) return requestList(instance(), args[0]!);
  const asked = command === undefined || command === 'help' || command === '--help';
  (asked ? console.log : console.error)(HELP);
  return asked ? 0 : 2;
}

async function token(user: string): Promise<number> {
  if (!isDemoUser(user)) throw new Error(`no demo user ${user}: ${Object.keys(DEMO_USERS).join(', ')}`);
  console.log(await runningInstance(process.env).token(user));
  return 0;
}
