import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { systemClock } from '#libs/clock';
import { type CardJobOf, makeCardJob, proofSchema, type WireProof } from '#libs/piv';
import { VirtualCardStore } from '#libs/virtual-card';
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

/** An agent on a free port with a folder of virtual cards, and what it said: log lines and answers. */
export async function startAgent(options: { transmitTimeoutMs?: number } = {}) {
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
  const app = await createCardAgent({
    ...{ clock, log: pino({ level: 'trace' }, sink), origins: [PORTAL, 'https://kiosk.example:8443'] },
    ...{ jobKey: centre.publicKey.export({ format: 'jwk' }), virtualCardsDir: dir, ...options },
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

  /** As a browser sends the agent's own form. */
  const typePin = (path: string, newPin: string, confirmPin = newPin) =>
    send(
      'POST',
      path,
      { origin: own, 'content-type': 'application/x-www-form-urlencoded' },
      new URLSearchParams({ newPin, confirmPin }).toString(),
    );

  const insert = (cardNumber: string | null, pullAtPinChange?: boolean) =>
    api('PUT', '/virtual/reader', { cardNumber, pullAtPinChange });

  const nonce = Buffer.alloc(32, 5).toString('base64url');
  const prove = (session: string, purpose = 'accept') => api('POST', '/v1/proofs', { session, nonce, purpose });

  /** The server's part: a job for the key in this proof. */
  const jobFor = (proof: WireProof, changed: Partial<CardJobOf<'set-pin'>> = {}, jobId = `job of ${proof.session}`) => {
    const { cardNumber, session, ephemeralKey } = proofSchema.parse(proof);
    const job = {
      kind: 'set-pin' as const,
      cardNumber,
      session,
      transportPin: TRANSPORT_PIN,
      earlierJob: false,
      ...changed,
    };
    return makeCardJob(job, { signingKey: centre.privateKey, agentKey: ephemeralKey, now: clock.now(), jobId });
  };

  /** Proof, job and page for it: the path of the page, and what polls it. */
  async function openPage(session: string, changed: Partial<CardJobOf<'set-pin'>> = {}) {
    const proof = (await prove(session)).json as WireProof;
    const opened = await api('POST', '/v1/pin-sessions', { session, nonce, job: await jobFor(proof, changed) });
    const { id, url } = opened.json as { id: string; url: string };
    return {
      id,
      proof,
      path: new URL(url).pathname,
      poll: async () => (await api('GET', `/v1/pin-sessions/${id}`)).json,
    };
  }

  const stop = async () => {
    await close();
    rmSync(dir, { recursive: true });
  };
  return {
    ...{ port, own, clock, said, nonce, store: new VirtualCardStore(dir) },
    ...{ send, api, typePin, insert, prove, jobFor, openPage, stop },
  };
}

export type Agent = Awaited<ReturnType<typeof startAgent>>;
