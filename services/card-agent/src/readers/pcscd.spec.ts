import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { sleep, systemClock } from '#libs/clock';
import { type CardConnection, makeCardJob, proofSchema } from '#libs/piv';
import { ForeignCard, sampleCard, VirtualCardStore, VpcdPlug, withFaults } from '#libs/virtual-card';
import { describeWithReaders } from '../../../../test/card/judge.js';
import { type Pcscd, startPcscd } from '../../../../test/card/pcscd.js';

const MAIN = 'dist/services/card-agent/src/main.js';
const PORTAL = 'https://ca.example';
const PATIENCE_MS = 20_000;
const [ONE, TWO] = ['EC00000000000001', 'EC00000000000002'];
const PIN = '24681357';

/** The agent as a kiosk runs it, on a real pcscd whose readers hold virtual cards. */
describeWithReaders('the card agent on pcscd', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-agent-pcscd-'));
  const store = new VirtualCardStore(dir);
  const centre = generateKeyPairSync('ed25519');
  let pcscd: Pcscd;
  let agent: ChildProcess;
  let port: number;
  let plugs: VpcdPlug[] = [];
  let log = '';

  beforeAll(async () => {
    await sampleCard(store, ONE, { transportPin: PIN });
    await sampleCard(store, TWO, { transportPin: PIN });
    writeFileSync(join(dir, 'job.pub.json'), JSON.stringify(centre.publicKey.export({ format: 'jwk' })));
    pcscd = await startPcscd();
    port = await freePort();
    agent = spawn(process.execPath, [MAIN], {
      env: {
        ...pcscd.env,
        ...{ KAIKA_AGENT_PORT: String(port), KAIKA_AGENT_ORIGINS: PORTAL, KAIKA_AGENT_PAIRING: 'off' },
        KAIKA_JOB_KEY_FILE: join(dir, 'job.pub.json'),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    agent.stdout!.on('data', (data: Buffer) => (log += data.toString()));
    await until('no-card');
  });
  afterEach(async () => {
    await Promise.all(plugs.map((plug) => plug.pull()));
    plugs = [];
  });
  afterAll(async () => {
    agent?.kill('SIGKILL');
    await pcscd?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  type Json = any;
  function ask(method: string, path: string, body?: object, form?: Record<string, string>): Promise<Json> {
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
    const origin = form ? `http://127.0.0.1:${port}` : PORTAL;
    const headers = { host: `127.0.0.1:${port}`, origin, 'x-kaika-agent': '1', 'content-type': type };
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
        let text = '';
        response.on('data', (data: Buffer) => (text += data.toString()));
        response.on('end', () => resolve(text.startsWith('{') ? JSON.parse(text) : text));
      }).on('error', reject);
      outgoing.end(form ? new URLSearchParams(form).toString() : body && JSON.stringify(body));
    });
  }

  /** Asks until the agent says so. */
  async function until(state: string): Promise<Json> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const status = await ask('GET', '/v1/status').catch(() => undefined);
      if (status?.state === state) return status;
      if (performance.now() > deadline) throw new Error(`never ${state}: ${JSON.stringify(status)} ${log}`);
      await sleep(50);
    }
  }

  /** Inserts a card; the first slot unless said. */
  async function insert(open: string | (() => Promise<CardConnection>), slot: 0 | 1 = 0): Promise<VpcdPlug> {
    const powerOn = typeof open === 'string' ? () => store.open(open) : open;
    const plug = new VpcdPlug(powerOn, { port: pcscd.slots[slot].port });
    plugs.push(plug);
    // pcscd looks at its readers twice a second: a card exchanged faster than that is no change to it.
    while ((await Promise.race([plug.insert(), sleep(3_000)]), plug.state !== 'powered')) await plug.pull();
    return plug;
  }

  const nonce = Buffer.alloc(32, 7).toString('base64url');
  async function activate(session: string, reader: string, newPin: string): Promise<string> {
    const proof = await ask('POST', '/v1/proofs', { session, nonce, purpose: 'accept', reader });
    const { cardNumber, ephemeralKey } = proofSchema.parse(proof);
    const job = await makeCardJob(
      { kind: 'set-pin', cardNumber, session, transportPin: PIN, earlierJob: false },
      {
        signingKey: centre.privateKey,
        agentKey: ephemeralKey,
        now: systemClock().now(),
        jobId: session,
      },
    );
    const { id } = await ask('POST', '/v1/pin-sessions', { session, nonce, job });
    await ask('POST', `/pin/${id}`, undefined, { newPin, confirmPin: newPin });
    return (await ask('GET', `/v1/pin-sessions/${id}`)).state;
  }

  it('reads and activates two cards in two readers at once', async () => {
    await Promise.all([insert(ONE, 0), insert(TWO, 1)]);
    const { readers } = await until('several-cards');
    expect(readers.map(({ name }: Json) => name)).toEqual(pcscd.slots.map(({ reader }) => reader));
    const [a, b] = pcscd.slots.map(({ reader }) => reader) as [string, string];
    expect((await ask('POST', '/v1/card', { reader: a })).cardNumber).toBe(ONE);
    expect((await ask('POST', '/v1/card', { reader: b })).cardNumber).toBe(TWO);
    expect(await Promise.all([activate('s-1', a, 'PinOf1!!'), activate('s-2', b, 'PinOf2!!')])).toEqual([
      'done',
      'done',
    ]);
  });

  it('says what is in the reader: nothing, a card of another kind, one of ours', async () => {
    await until('no-card');
    const foreign = await insert(() => Promise.resolve(new ForeignCard()));
    await until('unknown-card');
    expect((await ask('POST', '/v1/card', {})).type).toBe('urn:kaika:error:unknownCardKind');
    await foreign.pull();
    await until('no-card');
    await insert(TWO);
    await until('ready');
  });

  it('says that a card was pulled in the middle, and goes on when it is back', async () => {
    const pulled = await insert(async () => withFaults(await store.open(TWO), [{ at: { nth: 9 }, pull: 'after' }]));
    const answer = await ask('POST', '/v1/card', {});
    expect(['urn:kaika:error:cardRemoved', 'urn:kaika:error:noCard']).toContain(answer.type);
    await pulled.pull();
    await insert(TWO);
    await until('ready');
    expect((await ask('POST', '/v1/card', {})).cardNumber).toBe(TWO);
  });

  it('sees pcscd die, and finds the next one', async () => {
    await until('no-card');
    const { PCSCLITE_CSOCK_NAME: socket } = pcscd.env;
    await pcscd.stop();
    await until('pcsc-missing');
    expect((await ask('POST', '/v1/card', {})).state).toBe('pcsc-missing');
    expect(existsSync(socket!)).toBe(false);
  });
});

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
