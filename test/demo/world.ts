import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { lastMidnight } from '#libs/clock';
import { ensureKeyPair, type KeyPair } from '#libs/credentials';
import { activate, type Person } from './activation.js';
import { ask, askUntil, type Answer } from './http.js';
import type { Instance } from './instance.js';
import { ocspRequest, ocspStatus, type OcspStatus } from './ocsp.js';
import type { Card } from './cards.js';

const HOUR_MS = 3_600_000;

export interface OcspEvidence {
  step: string;
  serial: string;
  der: Buffer;
}

/** Three Taipei days, the last of them begun by the real now: the clock never has to pass it. */
export function storyDays(now: Date): { first: Date; second: Date; third: Date } {
  const third = lastMidnight(new Date(now.getTime() - 10 * 60_000));
  const before = (days: number) => new Date(third.getTime() - days * 24 * HOUR_MS);
  return { first: before(2), second: before(1), third };
}

export const at = (day: Date, hours: number, minutes = 0) =>
  new Date(day.getTime() + hours * HOUR_MS + minutes * 60_000);

/** What the people of the story can do, over HTTP. Every act can be repeated: what was done stays done once. */
export class World {
  readonly ocsp: OcspEvidence[] = [];

  constructor(
    readonly instance: Instance,
    readonly cards: readonly Card[],
  ) {}

  api(path: string): string {
    return `${this.instance.address.url}/api/v1${path}`;
  }

  /** The key that the demo's registration office signs its pushes with. */
  officeKey(): Promise<KeyPair> {
    return ensureKeyPair(join(this.instance.dataDir, 'demo-office.jwk'), 'Ed25519');
  }

  async statusOf(card: Card, wanted: string): Promise<unknown> {
    const url = this.api(`/certificates?cardNumber=${card.cardNumber}`);
    const answer = await askUntil((a) => itemsOf(a)[0]?.['status'] === wanted, 'GET', url);
    return itemsOf(answer)[0]?.['status'];
  }

  activate(card: Card, person: Partial<Person> = {}) {
    return activate(this.instance.address, { ...card, ...person });
  }

  command(card: Card, what: 'suspension' | 'resumption', userCode = card.userCode): Promise<Answer> {
    return ask('POST', this.api(`/cards/${card.cardNumber}/${what}`), { json: { userCode } });
  }

  /** What OCSP says of the card's signature certificate, once it says `wanted`; kept as evidence. */
  async askOcsp(step: string, serial: string, wanted: OcspStatus): Promise<OcspStatus> {
    const issuer = await this.issuer();
    const body = await ocspRequest(issuer, serial);
    const good = ({ bytes }: Answer) => ocspStatus(bytes) === wanted;
    const answer = await askUntil(good, 'POST', `${this.instance.address.url}/ocsp`, {
      body,
      type: 'application/ocsp-request',
    });
    this.ocsp.push({ step, serial, der: answer.bytes });
    return ocspStatus(answer.bytes);
  }

  /** The list of a cut, once it is published: how many entries, and whether it is the one that is served. */
  async list(cut: Date): Promise<{ entries: unknown; served: boolean }> {
    const ofCut = (a: Answer) => itemsOf(a).find((item) => new Date(String(item['cut'])).getTime() === cut.getTime());
    const lists = await askUntil((a) => ofCut(a) !== undefined, 'GET', this.api('/crls?limit=100'));
    const item = ofCut(lists);
    return { entries: item?.['entryCount'], served: (await this.servedList())?.['number'] === item?.['number'] };
  }

  /** The list that relying parties get at this moment, found by its digest. */
  async servedList(): Promise<Record<string, unknown> | undefined> {
    const { bytes } = await ask('GET', `${this.instance.address.url}/crl/complete.crl`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return itemsOf(await ask('GET', this.api('/crls?limit=100'))).find((item) => item['sha256'] === sha256);
  }

  /** The issuing CA's certificate, by the key identifier that search names. */
  private async issuer(): Promise<Buffer> {
    const items = itemsOf(await ask('GET', this.api(`/certificates?cardNumber=${this.cards[0]!.cardNumber}`)));
    return (await ask('GET', `${this.instance.address.url}/ca/${String(items[0]!['issuerSki'])}.cer`)).bytes;
  }
}

export function itemsOf(answer: Answer): Record<string, unknown>[] {
  return (answer.body['items'] as Record<string, unknown>[] | undefined) ?? [];
}
