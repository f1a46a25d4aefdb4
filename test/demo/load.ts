import { randomUUID } from 'node:crypto';
import { sleep } from '#libs/clock';
import { ask } from './http.js';
import type { Instance } from './instance.js';

export interface IssuedCard {
  cardNumber: string;
  /** Of its two certificates. */
  serials: { signature: string; encryption: string };
}

/** A change of status that the centre has acknowledged. */
export interface Act {
  cardNumber: string;
  command: 'hold' | 'release';
  /** `performance.now()` when the answer was there. */
  acknowledgedMs: number;
}

/** Puts `count` cards into stock and has them applied for, approved and issued, over HTTP. */
export async function issueCards(instance: Instance, count: number): Promise<IssuedCard[]> {
  const api = (path: string) => `${instance.address.url}/api/v1${path}`;
  const operator = await instance.token('chen');
  const officer = await instance.token('lin');
  const cardNumbers = Array.from({ length: count }, (_, n) => `MT${String(900_000 + n).padStart(14, '0')}`);
  await done('stock', ask('POST', api('/card-stock'), { token: operator, json: { cardNumbers } }));
  const issued: IssuedCard[] = [];
  for (let n = 0; n < count; n += 1) {
    const headers = { 'idempotency-key': `load-${n}` };
    const { body } = await done('application', ask('POST', api('/applications'), { headers, json: application(n) }));
    const approval = api(`/applications/${String(body['caseNumber'])}/approval`);
    const approved = await done('approval', ask('POST', approval, { token: officer, json: {} }));
    const cardNumber = String(approved.body['cardNumber']);
    const made = ask('POST', api(`/cards/${cardNumber}/personalisation`), { token: operator, json: {} });
    issued.push({ cardNumber, serials: (await done('issue', made)).body['serials'] as IssuedCard['serials'] });
  }
  return issued;
}

const application = (n: number) => ({
  kind: 'company',
  name: `負載測試第${n}號有限公司`,
  ubn: '12345675',
  certificateEmail: `card-${n}@load-test.example`,
  representative: { name: '負測試' },
  contact: {
    name: '負測試',
    email: `contact-${n}@load-test.example`,
    phone: '02-0000-0000',
    address: '臺北市測試路9號',
  },
  userCode: `Load#${1000 + n}`,
});

async function done(what: string, asked: ReturnType<typeof ask>): ReturnType<typeof ask> {
  const answer = await asked;
  if (answer.status >= 300) throw new Error(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer;
}

/**
 * An officer who holds and releases cards, `perSecond` acts in all: each card in turn, each act repeated under its key
 * until it is acknowledged, as a careful client does.
 */
export class HoldLoad {
  readonly acts: Act[] = [];
  #stopping = false;
  #loops: Promise<void>[] = [];

  constructor(
    private readonly instance: Instance,
    private readonly cards: readonly IssuedCard[],
    private readonly perSecond: number,
    private readonly told: (act: Act) => void = () => {},
  ) {}

  async start(): Promise<void> {
    const token = await this.instance.token('wang');
    this.#loops = this.cards.map((card, nth) => this.#alternate(card.cardNumber, nth, token));
  }

  /** Every act that was begun is acknowledged. @throws Error when one was refused */
  async stop(): Promise<readonly Act[]> {
    this.#stopping = true;
    await Promise.all(this.#loops);
    return this.acts;
  }

  /** What the status log must have of each card. */
  history(cardNumber: string): string[] {
    const kinds = { hold: 'suspended', release: 'resumed' };
    return this.acts.filter((act) => act.cardNumber === cardNumber).map(({ command }) => kinds[command]);
  }

  async #alternate(cardNumber: string, nth: number, token: string): Promise<void> {
    const everyMs = (1_000 * this.cards.length) / this.perSecond;
    const beganMs = performance.now() + (nth * everyMs) / this.cards.length;
    for (let n = 0; !this.#stopping; n += 1) {
      await sleep(Math.max(0, beganMs + n * everyMs - performance.now()));
      if (this.#stopping) return;
      const command = n % 2 === 0 ? 'hold' : 'release';
      const url = `${this.instance.address.url}/api/v1/cards/${cardNumber}/${command}`;
      const json = { holder: 'ca', ground: '負載測試' };
      const answer = await ask('POST', url, { token, json, headers: { 'idempotency-key': randomUUID() } });
      if (answer.status !== 200)
        throw new Error(`${command} ${cardNumber}: ${answer.status} ${JSON.stringify(answer.body)}`);
      const act = { cardNumber, command, acknowledgedMs: performance.now() } as const;
      this.acts.push(act);
      this.told(act);
    }
  }
}
