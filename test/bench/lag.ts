/**
 * From the commit of a status change to search and OCSP, on services of their own processes, at 100 changes a second; and
 * how long it takes until that holds again after a consumer or the broker was killed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '#libs/clock';
import { ask } from '../demo/http.js';
import { distributedOn, Instance } from '../demo/instance.js';
import { HoldLoad, type IssuedCard, issueCards } from '../demo/load.js';
import { ocspRequest, ocspStatus } from '../demo/ocsp.js';
import { itemsOf } from '../demo/world.js';
import { TestStack } from '../e2e/test-stack.js';
import { cpuTimes, shares } from './cpu-time.js';
import { figure, type Figure } from './figures.js';

const LOAD_CARDS = 24;
const PROBE_CARDS = 4;
/** Of the load; the probes make the rest of the 100. */
const LOAD_PER_SECOND = 92;
const PROBE_EVERY_MS = 500;
const WARM_UP_MS = 60_000;
const STEADY_MS = 60_000;
/** Looks are requests, too: at most so often, and after a while only every tenth of the time that has gone by. */
const LOOK_EVERY_MS = 50;
const LOOK_SHARE = 0.1;
const SOON_MS = 1_000;
/** Even, so that the card is as it was. */
const CALIBRATIONS = 20;

interface Sample {
  /** `performance.now()` of the commit, or a little before. */
  atMs: number;
  searchMs: number;
  ocspMs: number;
}

export async function lag(): Promise<Figure[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'kaika-bench-'));
  const stack = new TestStack(false);
  const instance = new Instance(dataDir, systemClock().now(), () => {}, distributedOn(stack.dir));
  try {
    await stack.start();
    await instance.up();
    const cards = await issueCards(instance, LOAD_CARDS + PROBE_CARDS);
    const load = new HoldLoad(instance, cards.slice(PROBE_CARDS), LOAD_PER_SECOND);
    const probes = new Probes(instance, cards.slice(0, PROBE_CARDS));
    await probes.start();
    await load.start();
    // Until the code of every service is compiled, and a little more.
    await sleep(WARM_UP_MS);
    const [began, before, cpu] = [performance.now(), load.acts.length, cpuTimes(instance.address.processes ?? {})];
    await sleep(STEADY_MS);
    const busy = shares(cpu, cpuTimes(instance.address.processes ?? {}), performance.now() - began);
    console.error(`cores: ${busy.map(([name, share]) => `${name} ${share.toFixed(0)} %`).join(', ')}`);
    const perSecond = (load.acts.length - before) / (STEADY_MS / 1_000) + PROBE_CARDS * (1_000 / PROBE_EVERY_MS);
    const steady = await probes.between(began, performance.now());
    const worst = Math.max(...steady.map(({ searchMs, ocspMs }) => Math.max(searchMs, ocspMs)));
    console.error(
      `steady: ${perSecond.toFixed(0)}/s, ${steady.length} changes looked for, worst ${worst.toFixed(0)} ms`,
    );

    const consumer = await recovery(probes, () => instance.disturb('status-query'));
    const broker = await recovery(probes, () => stack.kill('kafka'));
    await load.stop();
    await probes.stop();
    return [
      figure('status changes acknowledged', perSecond, '/s', '100'),
      ...spread(
        'search',
        steady.map(({ searchMs }) => searchMs),
      ),
      ...spread(
        'OCSP',
        steady.map(({ ocspMs }) => ocspMs),
      ),
      figure('below 1 s again after the consumer came back', consumer / 1_000, 's', '≤ 15'),
      figure('below 1 s again after the broker came back', broker / 1_000, 's', '≤ 15'),
    ];
  } finally {
    await instance.stop();
    await stack.stop();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function spread(what: string, values: number[]): Figure[] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return [
    figure(`commit to ${what}, p50 of ${sorted.length}`, at(0.5), 'ms'),
    figure(`commit to ${what}, p99`, at(0.99), 'ms', '< 1000'),
  ];
}

/** @returns milliseconds from the return of what was killed to the first change that is seen within a second everywhere */
async function recovery(probes: Probes, kill: () => Promise<unknown>): Promise<number> {
  await kill();
  const back = performance.now();
  for (const until = back + 120_000; performance.now() < until; await sleep(50)) {
    const good = probes.samples.find(
      ({ atMs, searchMs, ocspMs }) => atMs > back && Math.max(searchMs, ocspMs) < SOON_MS,
    );
    if (good) return good.atMs - back;
  }
  throw new Error('no change was seen within a second for two minutes');
}

/** Cards whose every change is looked for, in search and by OCSP, until it is there. */
class Probes {
  readonly samples: Sample[] = [];
  /** By card: when the change that is looked for was asked for. */
  readonly #beganMs: (number | undefined)[] = [];
  /** The log's clock against `performance.now()`: a throw-away instance has a clock of its own. */
  #logAheadMs = 0;
  #stopping = false;
  #loops: Promise<void>[] = [];

  constructor(
    private readonly instance: Instance,
    private readonly cards: readonly IssuedCard[],
  ) {}

  async start(): Promise<void> {
    const { url } = this.instance.address;
    const found = await ask('GET', `${url}/api/v1/certificates?cardNumber=${this.cards[0]!.cardNumber}`);
    const issuer = (await ask('GET', `${url}/ca/${String(itemsOf(found)[0]!['issuerSki'])}.cer`)).bytes;
    const token = await this.instance.token('wang');
    // Asked before the commit, so that no lag is measured shorter than it is; of several, the quickest tells best.
    const ahead: number[] = [];
    for (let n = 0; n < CALIBRATIONS; n += 1) {
      const asked = performance.now();
      ahead.push((await this.#order(this.cards[0]!.cardNumber, n % 2 === 0 ? 'hold' : 'release', token)) - asked);
    }
    this.#logAheadMs = Math.min(...ahead);
    this.#loops = this.cards.map(async (card, nth) => {
      const request = await ocspRequest(issuer, card.serials.signature);
      for (let n = 0; !this.#stopping; n += 1) {
        const began = performance.now();
        this.#beganMs[nth] = began;
        this.samples.push(await this.#probe(card.cardNumber, request, n % 2 === 0 ? 'hold' : 'release', token));
        this.#beganMs[nth] = undefined;
        await sleep(Math.max(0, began + PROBE_EVERY_MS - performance.now()));
      }
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops);
  }

  /** Those that were begun in this time, the slow ones too: waits until each is seen. */
  async between(from: number, to: number): Promise<Sample[]> {
    while (this.#beganMs.some((began) => began !== undefined && began < to)) await sleep(LOOK_EVERY_MS);
    return this.samples.filter(({ atMs }) => atMs >= from && atMs < to);
  }

  /** @returns the time of the change by the log's clock, milliseconds: taken under the log's lock, a little before the commit */
  async #order(cardNumber: string, command: 'hold' | 'release', token: string): Promise<number> {
    const url = `${this.instance.address.url}/api/v1/cards/${cardNumber}/${command}`;
    const { status, body } = await ask('POST', url, { token, json: { holder: 'ca', ground: '延遲量測' } });
    if (status !== 200) throw new Error(`${command}: ${status} ${JSON.stringify(body)}`);
    return Date.parse(String(body['at']));
  }

  async #probe(cardNumber: string, request: Buffer, command: 'hold' | 'release', token: string): Promise<Sample> {
    const { url } = this.instance.address;
    const atMs = (await this.#order(cardNumber, command, token)) - this.#logAheadMs;
    const held = command === 'hold';
    const seen = async (look: () => Promise<boolean>) => {
      while (!(await look())) await sleep(Math.max(LOOK_EVERY_MS, LOOK_SHARE * (performance.now() - atMs)));
      return performance.now() - atMs;
    };
    const [searchMs, ocspMs] = await Promise.all([
      seen(async () => {
        const answer = await ask('GET', `${url}/api/v1/certificates?cardNumber=${cardNumber}`);
        return itemsOf(answer)[0]?.['status'] === (held ? 'suspended' : 'pending');
      }),
      seen(async () => {
        const answer = await ask('POST', `${url}/ocsp`, { body: request, type: 'application/ocsp-request' });
        return ocspStatus(answer.bytes) === (held ? 'revoked/6' : 'good');
      }),
    ]);
    return { atMs, searchMs, ocspMs };
  }
}
