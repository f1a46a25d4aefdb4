import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { sleep } from '#libs/clock';

const MAIN = 'dist/services/all-in-one/src/main.js';
const run = promisify(execFile);

/** What a newcomer does at a terminal: start, look, Ctrl-C, start again. */
describe('npm start', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'kaika-start-'));
  afterAll(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

  const environment = (extra: NodeJS.ProcessEnv) => ({
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    DATA_DIR: dataDir,
    PORT: '0',
    KAIKA_AGENT_PORT: '0',
    ...extra,
  });
  /** Starts, waits until it tells what to try, and gives its output and a way to end it. */
  async function started() {
    const child = spawn(process.execPath, [MAIN], { env: environment({}), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise<number | null>((done) => child.once('close', done));
    let over = false;
    void ended.then(() => (over = true));
    for (const until = performance.now() + 120_000; !output.includes('Try, in another terminal'); await sleep(50)) {
      if (over || performance.now() > until) throw new Error(output);
    }
    const url = /runs on (http:\/\/localhost:\d+)/.exec(output)![1]!;
    return { url, text: () => output, end: (signal: NodeJS.Signals) => (child.kill(signal), ended) };
  }
  const status = async (url: string) => {
    const answer = await fetch(`${url}/api/v1/certificates?cardNumber=MT00000000000051`);
    return ((await answer.json()) as { items: { status: string }[] }).items[0]?.status;
  };

  it('shows its progress, makes a sample card, and does what it says one can try', async () => {
    const first = await started();
    expect(first.text()).toMatch(/root CA: making a RSA-4096 key[\s\S]*sample card[\s\S]*two certificates issued/);
    const command = /curl -X POST (\S+\/suspension) .*-d '(\{.*?\})'/.exec(first.text())!;
    const suspend = () =>
      fetch(command[1]!, { method: 'POST', headers: { 'content-type': 'application/json' }, body: command[2]! });
    // The user code reaches suspension by an event: as a person would, try again when it was too early.
    let answer = await suspend();
    for (let tries = 0; answer.status === 403 && tries < 3; tries += 1) answer = await sleep(1_000).then(suspend);
    expect(answer.status).toBe(200);
    for (let tries = 0; (await status(first.url)) !== 'suspended' && tries < 200; tries += 1) await sleep(50);
    expect(await status(first.url)).toBe('suspended');

    const { stdout } = await run(process.execPath, ['dist/services/all-in-one/src/cli.js', 'token', 'chen'], {
      env: environment({}),
    });
    const stock = await fetch(`${first.url}/api/v1/card-stock`, {
      headers: { authorization: `Bearer ${stdout.trim()}` },
    });
    expect(stock.status).toBe(200);
    expect(await first.end('SIGINT')).toBe(0);
    expect(first.text()).toContain('Nothing is lost');
  }, 180_000);

  it('goes on where it ended, after Ctrl-C and after kill -9, without a second ceremony', async () => {
    const root = readFileSync(join(dataDir, 'authority', 'root.cer'));
    for (const signal of ['SIGKILL', 'SIGINT'] as const) {
      const again = await started();
      expect(again.text()).not.toContain('making a');
      expect(await status(again.url)).toBe('suspended');
      await again.end(signal);
    }
    expect(readFileSync(join(dataDir, 'authority', 'root.cer'))).toEqual(root);
  }, 180_000);

  it('refuses production, other addresses and wrong settings, naming all of them and no value', async () => {
    const env = environment({ NODE_ENV: 'production', HOST: '0.0.0.0' });
    await expect(run(process.execPath, [MAIN], { env })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/NODE_ENV: [\s\S]*HOST: /),
    });
    const wrong = environment({ PORT: 'sesame', KAIKA_LOG_LEVEL: 'sesame' });
    const refused = await run(process.execPath, [MAIN], { env: wrong }).catch(
      (error: { stderr: string }) => error.stderr,
    );
    expect(refused).toMatch(/PORT: [\s\S]*KAIKA_LOG_LEVEL: /);
    expect(refused).not.toContain('sesame');
  });

  it('says which port is taken before it touches anything', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as AddressInfo;
    const refused = run(process.execPath, [MAIN], { env: environment({ PORT: String(port) }) });
    await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(`port ${port} is in use`) });
    other.close();
  });
});
