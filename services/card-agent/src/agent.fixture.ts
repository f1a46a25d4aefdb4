import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { systemClock } from '#libs/clock';
import { type CardJob, type CardJobKind, type CardJobOf, makeCardJob, proofSchema, type WireProof } from '#libs/piv';
import { VirtualCardStore } from '#libs/virtual-card';
import type { AgentConfig } from './agent.config.js';
import type { TestReaders } from './readers/readers.fixture.js';
import { readersOf } from './readers/readers-of.js';
import { createCardAgent, listenOnLoopback } from './app.js';

export const PORTAL = 'https://ca.example';
export const TRANSPORT_PIN = '24681357';

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
}

type JobOfAnyKind = { [K in CardJobKind]: Omit<CardJobOf<K>, 'cardNumber' | 'session'> }[CardJobKind];

interface AgentOptions extends Partial<Omit<AgentConfig, 'readers' | 'hand'>> {
  /** In place of the virtual reader. */
  cards?: TestReaders;
  /** Of the virtual reader; default: an empty one of its own. */
  virtualCardsDir?: string;
}

/** An agent on a free port with a folder of virtual cards, and what it said: log lines and answers. */
export async function startAgent({ cards, virtualCardsDir, ...options }: AgentOptions = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-agent-'));
  const centre = generateKeyPairSync('ed25519');
  const clock = systemClock();
  const said: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      said.push(chunk.toString());
      done();
    },
  });
  const log = pino({ level: 'trace' }, sink);
  const app = await createCardAgent({
    ...{ clock, log, origins: [PORTAL, 'https://kiosk.example:8443'], pairing: false },
    ...{ jobKey: centre.publicKey.export({ format: 'jwk' }), ...options },
    ...(cards ? { readers: cards } : readersOf(virtualCardsDir ?? dir, log)),
  });
  const { port, close } = await listenOnLoopback(app, 0);
  const own = `http://127.0.0.1:${port}`;

  /** Any request; headers as given, the Host header included. */
  function send(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          said.push(text, JSON.stringify(response.headers));
          const { statusCode: status = 0, headers: answered } = response;
          resolve({ status, headers: answered, text, json: text.startsWith('{') ? JSON.parse(text) : undefined });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** As the portal's page does. */
  const api = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    send(
      method,
      path,
      { origin: PORTAL, 'x-kaika-agent': '1', 'content-type': 'application/json', ...headers },
      body === undefined ? undefined : JSON.stringify(body),
    );

  /** As a browser sends the agent's own forms. */
  const sendForm = (path: string, fields: Record<string, string> = {}) =>
    send(
      'POST',
      path,
      { origin: own, 'content-type': 'application/x-www-form-urlencoded' },
      new URLSearchParams(fields).toString(),
    );
  const typePin = (path: string, newPin: string, confirmPin = newPin) => sendForm(path, { newPin, confirmPin });

  const insert = (cardNumber: string | null, pullAtPinChange?: boolean) =>
    api('PUT', '/virtual/reader', { cardNumber, pullAtPinChange });

  const nonce = Buffer.alloc(32, 5).toString('base64url');
  const prove = (session: string, purpose = 'accept') => api('POST', '/v1/proofs', { session, nonce, purpose });

  /** The server's part: a job for the key in this proof. */
  const signJob = (proof: WireProof, job: JobOfAnyKind, jobId: string) => {
    const { cardNumber, session, ephemeralKey } = proofSchema.parse(proof);
    const signer = { signingKey: centre.privateKey, agentKey: ephemeralKey, now: clock.now(), jobId };
    return makeCardJob({ cardNumber, session, ...job } as CardJob, signer);
  };
  const jobFor = (proof: WireProof, changed: Partial<CardJobOf<'set-pin'>> = {}, jobId = `job of ${proof.session}`) =>
    signJob(proof, { kind: 'set-pin', transportPin: TRANSPORT_PIN, earlierJob: false, ...changed }, jobId);

  /** A page that is there: its path, and what polls it. */
  function pageOf(opened: Reply) {
    const { id, url } = opened.json as { id: string; url: string };
    return {
      ...{ id, path: new URL(url).pathname },
      poll: async () => (await api('GET', `/v1/pin-sessions/${id}`)).json,
    };
  }

  /** Proof, job and page for it. */
  async function openPage(session: string, changed: Partial<CardJobOf<'set-pin'>> = {}) {
    const proof = (await prove(session)).json as WireProof;
    const order = { session, nonce, job: await jobFor(proof, changed) };
    return { proof, ...pageOf(await api('POST', '/v1/pin-sessions', order)) };
  }

  const stop = async () => {
    await close();
    rmSync(dir, { recursive: true, force: true });
  };
  return {
    ...{ app, port, own, clock, said, nonce, store: cards?.store ?? new VirtualCardStore(dir) },
    ...{ send, api, sendForm, typePin, insert, prove, signJob, jobFor, openPage, pageOf, stop },
  };
}

export type Agent = Awaited<ReturnType<typeof startAgent>>;
