import { signDetached } from '#libs/credentials';
import { ask, askUntil } from '../demo/http.js';
import type { Instance } from '../demo/instance.js';
import { World } from '../demo/world.js';

export interface IssuedCard {
  cardNumber: string;
  way: 'A' | 'B';
  name: string;
  ubn: string;
  userCode: string;
  email: string;
  caseNumber: string | undefined;
  representative: { nationalId: string; year: string; month: string; day: string };
}

const PERSON = { nationalId: 'A100000001', year: '76', month: '2', day: '21' };
const UBNS = ['12345675', '12345676', '12345670', '99999912', '10458574', '04595252'];

/** Cards as they come out of the letter: issued, not yet accepted. Fictitious companies. */
export class CardsInTheLetter {
  readonly #world: World;
  #count = 0;

  constructor(private readonly instance: Instance) {
    this.#world = new World(instance, []);
  }

  async issue(way: 'A' | 'B'): Promise<IssuedCard> {
    const n = ++this.#count;
    const card: IssuedCard = {
      cardNumber: `MT${String(80 + n).padStart(14, '0')}`,
      way,
      name: `瀏覽器測試${n}有限公司`,
      ubn: UBNS[n % UBNS.length]!,
      userCode: `Browse#${n}`,
      email: `contact@browser-${n}.example`,
      caseNumber: undefined,
      representative: PERSON,
    };
    const operator = await this.instance.token('chen');
    await this.expect(201, 'POST', '/card-stock', { token: operator, json: { cardNumbers: [card.cardNumber] } });
    if (way === 'A') await this.applySelf(card);
    else await this.applyCombined(card);
    await this.expect(200, 'POST', `/cards/${card.cardNumber}/personalisation`, { token: operator, json: {} });
    await askUntil(
      ({ body }) => (body['items'] as unknown[] | undefined)?.length === 1,
      'GET',
      this.#world.api(`/certificates?cardNumber=${card.cardNumber}`),
    );
    return card;
  }

  /** Into the virtual reader, or out of it. */
  async insert(card: IssuedCard | null): Promise<void> {
    const { url, agentUrl } = this.instance.address;
    const headers = { origin: url, 'x-kaika-agent': '1' };
    const { status } = await ask('PUT', `${agentUrl}/virtual/reader`, {
      headers,
      json: { cardNumber: card?.cardNumber ?? null },
    });
    if (status !== 200) throw new Error(`the virtual reader answered ${status}`);
  }

  private async applySelf(card: IssuedCard): Promise<void> {
    const { body } = await this.expect(201, 'POST', '/applications', {
      json: {
        kind: 'company',
        name: card.name,
        ubn: card.ubn,
        certificateEmail: `ca@browser.example`,
        representative: { name: '林測試' },
        contact: { name: '林測試', email: card.email, phone: '02-0000-0000', address: '臺北市測試路1號' },
        userCode: card.userCode,
      },
    });
    card.caseNumber = String(body['caseNumber']);
    const token = await this.instance.token('lin');
    await this.expect(200, 'POST', `/applications/${card.caseNumber}/approval`, { token, json: {} });
  }

  private async applyCombined(card: IssuedCard): Promise<void> {
    const office = await this.#world.officeKey();
    const keys = { keys: [office.publicJwk] };
    await this.expect(200, 'PUT', '/registration-offices/office-63/keys', {
      token: await this.instance.token('wang'),
      json: keys,
    });
    const { nationalId } = card.representative;
    const registration = { caseNumber: `11599${card.cardNumber.slice(-5)}`, kind: 'establishment' };
    const body = Buffer.from(
      JSON.stringify({
        registration,
        kind: 'company',
        name: card.name,
        ubn: card.ubn,
        representative: { name: '陳測試', nationalId, birthDate: '0760221' },
        contact: { phone: '02-0000-0000', address: '臺北市測試路3號' },
      }),
    );
    await this.expect(201, 'POST', '/combined-applications', {
      token: await this.instance.token('office-63'),
      headers: { 'x-jws-signature': await signDetached(office, body), 'idempotency-key': registration.caseNumber },
      ...{ body, type: 'application/json' },
    });
  }

  private async expect(status: number, method: string, path: string, request: Parameters<typeof ask>[2]) {
    const answer = await ask(method, this.#world.api(path), request);
    if (answer.status !== status) {
      throw new Error(`${method} ${path}: ${answer.status} ${answer.bytes.toString().slice(0, 400)}`);
    }
    return answer;
  }
}
