import { expect } from '@jest/globals';
import { ensureSecretKey, sealRecord } from '#libs/credentials';
import type { IssuanceBench } from '../issuance.fixture.js';

export const LETTER = {
  errorMessage: '登入時顯示 27011',
  contact: { name: '周測試', phone: '02-8765-4321#9', address: '臺南市測試路五號' },
};
export const PERSONAL = { representative: { name: '林測試' }, contact: { email: 'contact@example.com' } };

export type Slip = { caseNumber: string; slipCode: string; slip: { 'zh-TW': { title: string; lines: string[] } } };

/** Cards that are sent in, by holders, operators and officers. */
export class ReturnsBench {
  private constructor(
    readonly bench: IssuanceBench,
    /** A card with an application, of which others are made. */
    readonly sample: string,
  ) {}

  static async on(bench: IssuanceBench): Promise<ReturnsBench> {
    return new ReturnsBench(bench, await bench.assignedCard());
  }

  post(path: string, body: unknown, role: 'ca-operator' | 'ca-officer' = 'ca-operator', subject = 'wang') {
    return this.bench.call('POST', `/api/v1${path}`, { body, role, subject });
  }

  /** Its holder has filled in the form: the slip that goes with the card. */
  async announce(cardNumber: string): Promise<Slip> {
    const { status, body } = await this.bench.call('POST', '/api/v1/card-returns', { body: { cardNumber, ...LETTER } });
    expect(status).toBe(201);
    return body as unknown as Slip;
  }

  progress(caseNumber: string, code: string) {
    return this.bench.call('GET', `/api/v1/card-returns/${caseNumber}/progress`, { headers: { 'x-slip-code': code } });
  }

  async file(caseNumber: string) {
    return (await this.bench.operate(`/card-returns/${caseNumber}`)).body;
  }

  /** A card in its holder's hands, as the tables have it: making one is another file's subject. */
  async issuedCard(changes: { notAfter?: string; way?: 'B' } = {}): Promise<string> {
    const { bench } = this;
    const cardNumber = await bench.quickCard(this.sample);
    const caseNumber = `copy for ${cardNumber}`;
    const dataKey = ensureSecretKey(bench.file('data-key'));
    await bench.source.query('update application set personal = $2 where case_number = $1', [
      caseNumber,
      await sealRecord(dataKey, { table: 'application', id: caseNumber }, PERSONAL),
    ]);
    if (changes.way === 'B') {
      await bench.source.query(
        `update application set way = 'B', representative_verifier = verifier, verifier = null, office = 'office-1',
                office_case = case_number, office_request = 'hash', push = 'sealed'
         where case_number = $1`,
        [caseNumber],
      );
    }
    await bench.source.query(
      `update card set state = 'dispatched', issued_at = now(), dispatched_at = now(), registered_mail = '123456'
       where card_number = $1`,
      [cardNumber],
    );
    const serial = `1${cardNumber.slice(2).padStart(31, '0')}`;
    await bench.source.query('insert into serial (serial) values ($1)', [serial]);
    await bench.source.query(
      `insert into certificate (serial, card_number, slot, issuer_ski, state, spki, not_before, not_after, tbs, der, intended_at)
       values ($1, $2, '9C', 'AA', 'written', '', now(), $3, '', '', now())`,
      [serial, cardNumber, changes.notAfter ?? '2040-01-01T15:59:59Z'],
    );
    return cardNumber;
  }

  async arrived(cardNumber: string): Promise<Slip> {
    const slip = await this.announce(cardNumber);
    expect(await this.post(`/card-returns/${slip.caseNumber}/receipt`, { cardNumber })).toMatchObject({
      status: 200,
      body: { state: 'received', cardNumber, receivedBy: 'wang' },
    });
    return slip;
  }

  async identified(cardNumber: string): Promise<Slip> {
    const slip = await this.arrived(cardNumber);
    await this.post(`/card-returns/${slip.caseNumber}/identification`, { cardNumber });
    return slip;
  }

  ask(caseNumber: string, outcome: string, by = 'anna') {
    return this.post(`/card-returns/${caseNumber}/outcome`, { outcome, ground: '檢測紀錄 1 號' }, 'ca-officer', by);
  }

  approve(id: unknown, by = 'ben') {
    return this.post(`/card-return-requests/${String(id)}/approval`, {}, 'ca-officer', by);
  }

  async decided(caseNumber: string, outcome: string) {
    const { body } = await this.ask(caseNumber, outcome);
    return this.approve(body['id']);
  }

  sendBack(caseNumber: string, registeredMail = '98765432109876') {
    return this.post(`/card-returns/${caseNumber}/dispatch`, { registeredMail });
  }

  /** Acceptance has told so. */
  unlock(cardNumber: string, at = this.bench.clock.now()) {
    const data = { cardNumber, transportGeneration: 2, pukGeneration: 2, at: at.toISOString() };
    return this.bench.receive('card.unlocked', data);
  }
}
