import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { sleep } from '#libs/clock';
import { appRole, ownerRole, schemaOf, withTestDatabase } from '#libs/database';
import { WITH_DATABASE } from './database.js';

/** The command as a deployment runs it. */
describe('setup', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-setup-'));
  const database = withTestDatabase();
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const setup = async (args: string[], env: NodeJS.ProcessEnv = {}) => {
    const all = ['dist/deploy/setup/main.js', ...args, '--dir', dir];
    return promisify(execFile)(process.execPath, all, { env: { PATH: process.env['PATH'], ...env } }).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
  };
  const files = () => {
    const names = readdirSync(join(dir, 'secrets')).sort();
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, 'secrets', name), 'hex')]));
  };
  const password = (name: string) => readFileSync(join(dir, 'secrets', name), 'utf8').trim();

  it('keys: makes every secret a file that only its owner reads, and none anew', async () => {
    expect(await setup(['keys'])).toMatchObject({ code: 0, stdout: expect.stringContaining(dir) });
    const made = files();
    expect(Object.keys(made)).toEqual(
      expect.arrayContaining(['pepper', 'data-key', 'acceptance-token.jwk', 'database-suspension-app', 'kafka-issuance', 'redis', 'postgres', 'kafka-jaas.conf']), // prettier-ignore
    );
    for (const name of Object.keys(made)) {
      const isPublic = name.endsWith('.pub') || name.endsWith('jwks.json');
      expect([name, statSync(join(dir, 'secrets', name)).mode & 0o777]).toEqual([name, isPublic ? 0o644 : 0o600]);
    }
    expect(new Set(Object.values(made)).size).toBe(Object.keys(made).length);
    expect(password('kafka-jaas.conf')).toContain(`user_issuance="${password('kafka-issuance')}"`);
    await setup(['keys']);
    expect(files()).toEqual(made);
  }, 180_000);

  it('database: makes roles, schemas and tables of every service, and nothing when it is repeated', async () => {
    const env = { DATABASE_URL: database.url };
    for (const _ of [1, 2]) expect(await setup(['database'], env)).toMatchObject({ code: 0, stderr: '' });
    for (const { name, migrations } of WITH_DATABASE) {
      for (const [role, secret] of [
        [appRole, 'app'],
        [ownerRole, 'owner'],
      ] as const) {
        const url = new URL(database.url);
        url.username = role(schemaOf(name));
        url.password = password(`database-${name}-${secret}`);
        const client = new Client({ connectionString: url.toString() });
        await client.connect();
        const { rows } = await client.query<{ n: number }>('select count(*)::int as n from migration');
        expect([name, rows[0]!.n]).toEqual([name, new Set(migrations).size]);
        await client.end();
      }
    }
  }, 120_000);

  it('database: waits for a server that is being started', async () => {
    const { url } = database;
    await database.server.stop();
    const env = { PATH: process.env['PATH'], DATABASE_URL: url };
    const waiting = spawn(process.execPath, ['dist/deploy/setup/main.js', 'database', '--dir', dir], { env });
    const ended = new Promise((done) => waiting.once('close', done));
    let output = '';
    waiting.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    while (!output.includes('waiting: ') && waiting.exitCode === null) await sleep(20);
    await database.restart();
    expect(await ended).toBe(0);
    expect(output).toContain('status-query: schema');
  }, 120_000);

  it('authority: makes the CAs once', async () => {
    const env = { KAIKA_PUBLIC_URL: 'http://ca.example' };
    expect((await setup(['authority'], env)).stdout).toContain('making a');
    const root = readFileSync(join(dir, 'authority', 'root.cer'));
    expect((await setup(['authority'], env)).stdout).not.toContain('making a');
    expect(readFileSync(join(dir, 'authority', 'root.cer'))).toEqual(root);
  }, 120_000);

  it('names the settings that are missing or wrong, shows no value, and says what it knows', async () => {
    expect(await setup(['database'])).toMatchObject({ code: 1, stderr: expect.stringContaining('DATABASE_URL: is not set') }); // prettier-ignore
    const wrong = await setup(['kafka'], { KAFKA_BROKERS: 'sesame' });
    expect(wrong.stderr).toContain('KAFKA_BROKERS: ');
    expect(wrong.stderr).not.toContain('sesame');
    expect((await setup(['authority'], { KAIKA_PUBLIC_URL: 'sesame' })).stderr).toContain('KAIKA_PUBLIC_URL: ');
    expect(await setup(['everything'])).toMatchObject({ code: 2, stderr: expect.stringContaining('npm run setup') });
    expect((await setup([])).stdout).toContain('authority');
  }, 180_000);
});
