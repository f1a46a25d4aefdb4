import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { createLogger, createService, type RunningService } from '#libs/host';
import type { CardConnection } from '#libs/piv';
import { makeFixture, VirtualCardStore } from '#libs/virtual-card';
import { createCardAgent, listenOnLoopback } from '../../services/card-agent/src/app.js';
import type { Reader, Readers } from '../../services/card-agent/src/readers/reader.js';
import { portal } from '../../services/portal/src/index.js';

type Connect = () => Promise<CardConnection>;

const refuses = (...refusal: ConstructorParameters<typeof CaError>): Connect => {
  return () => Promise.reject(new CaError(...refusal));
};
const holding = (name: string, connect?: Connect): Reader => ({
  name,
  holdsCard: () => connect !== undefined,
  connect: connect ?? refuses('noCard', 'there is no card in the reader'),
});

/**
 * A counter without a centre: the portal's pages, and a real card agent whose readers are as a test wants them. Agent and
 * pages have their origins, as on a kiosk.
 */
export class Counter implements Readers {
  readonly downloads = mkdtempSync(join(tmpdir(), 'kaika-counter-'));
  readonly #store = new VirtualCardStore(join(this.downloads, '.cards'));
  readonly #jobKey = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  #portal: RunningService | undefined;
  #agent: { port: number; close(): Promise<void> } | undefined;
  #agentPort = 0;
  #machine: () => Promise<readonly Reader[]> = () => Promise.resolve([]);
  url = '';

  async open(): Promise<void> {
    await this.startAgent(['https://elsewhere.example']);
    const env = { KAIKA_AGENT_URL: `http://127.0.0.1:${this.#agentPort}`, KAIKA_AGENT_DOWNLOADS: this.downloads };
    this.#portal = await createService('portal', await portal.module(env), {
      log: createLogger('silent'),
      clock: systemClock(),
      tokens: { issuer: 'x', jwksFile: 'none' },
    });
    await this.#portal.app.listen(0, '127.0.0.1');
    this.url = `http://127.0.0.1:${(this.#portal.app.getHttpServer().address() as AddressInfo).port}`;
  }

  /** On the port it had before. @param origins the pages that may use it */
  async startAgent(origins: readonly string[], pairing = false): Promise<void> {
    await this.stopAgent();
    const app = await createCardAgent({
      ...{ clock: systemClock(), log: createLogger('silent'), jobKey: this.#jobKey, readers: this },
      ...{ origins, pairing },
    });
    this.#agent = await listenOnLoopback(app, this.#agentPort);
    this.#agentPort = this.#agent.port;
  }

  async stopAgent(): Promise<void> {
    await this.#agent?.close();
    this.#agent = undefined;
  }

  async stop(): Promise<void> {
    await this.stopAgent();
    await this.#portal?.close();
    rmSync(this.downloads, { recursive: true, force: true });
  }

  list(): Promise<readonly Reader[]> {
    return this.#machine();
  }

  close(): void {}

  /** By the agent's word for it, what is at the counter; undefined: nobody can be asked for readers. */
  async machines(): Promise<Record<string, readonly Reader[] | undefined>> {
    const ready = (await makeFixture(this.#store, 'transport', 'MT00000000000001')).powerOn;
    const blocked = (await makeFixture(this.#store, 'blocked', 'MT00000000000002')).powerOn;
    const foreign = (await makeFixture(this.#store, 'foreign', 'MT00000000000003')).powerOn;
    return {
      'pcsc-missing': undefined,
      'no-reader': [],
      'no-card': [holding('A')],
      'several-cards': [holding('A', ready), holding('B', blocked)],
      'unknown-card': [holding('A', foreign)],
      'card-error': [holding('A', refuses('cardCommunication', 'it broke off'))],
      busy: [holding('A', refuses('readerBusy', 'another program has it'))],
      removed: [holding('A', refuses('cardRemoved', 'it was taken out'))],
      locked: [holding('A', blocked)],
      ready: [holding('A', ready)],
    };
  }

  set(machine: readonly Reader[] | undefined): void {
    const missing = () => Promise.reject(new CaError('noReader', 'no PC/SC', { state: 'pcsc-missing' }));
    this.#machine = machine ? () => Promise.resolve(machine) : missing;
  }
}
