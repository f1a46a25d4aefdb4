import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureKeyPair } from '#libs/credentials';
import { readAllInOneConfig } from './all-in-one.config.js';
import { DEMO_USERS, demoToken, isDemoUser } from './demo-users.js';

const HELP = `npm run ca -- <command>

  token <user>   a bearer token, good for 8 hours, of a demo user of the running instance:
${Object.entries(DEMO_USERS)
  .map(([user, roles]) => `                 ${user.padEnd(10)} ${roles.join(', ')}`)
  .join('\n')}

The instance's folder is DATA_DIR (default: data).
`;

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});

async function main([command, ...args]: string[]): Promise<number> {
  if (command === 'token' && args.length === 1) return token(args[0]!);
  (command === undefined || command === 'help' || command === '--help' ? console.log : console.error)(HELP);
  return command === undefined || command === 'help' || command === '--help' ? 0 : 2;
}

async function token(user: string): Promise<number> {
  if (!isDemoUser(user)) throw new Error(`no demo user ${user}: ${Object.keys(DEMO_USERS).join(', ')}`);
  const { DATA_DIR } = readAllInOneConfig(process.env);
  const file = join(DATA_DIR, 'instance.json');
  if (!existsSync(file)) throw new Error(`no instance runs on ${DATA_DIR}: npm start, or set DATA_DIR`);
  const { issuer } = JSON.parse(readFileSync(file, 'utf8')) as { issuer: string };
  console.log(await demoToken(await ensureKeyPair(join(DATA_DIR, 'secrets', 'issuer.jwk'), 'Ed25519'), issuer, user));
  return 0;
}
