import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sealFor } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { sealedContext } from '#libs/events';
import { IssuanceBench } from '../issuance.fixture.js';

let bench: IssuanceBench;
let cardNumber: string;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
  cardNumber = await bench.assignedCard();
}, 60_000);

const refused = async (whatIsWrong: string, activation = randomUUID()) => {
  const jwe = await sealFor(
    [bench.ownKey.publicJwk],
    { whatIsWrong },
    sealedContext('certificate.refused', cardNumber),
  );
  const { id } = await bench.receive('certificate.refused', { cardNumber, activation, jwe });
  return { activation, jwe, id };
};
interface List {
  items: Record<string, unknown>[];
  next: string | null;
}
const list = async (query = '') =>
  (await bench.call('GET', `/api/v1/cases${query}`, { role: 'application-officer' })).body as unknown as List;
const close = (id: string, outcome: unknown) =>
  bench.call('POST', `/api/v1/cases/${id}/closing`, { body: { outcome }, role: 'application-officer' });

describe('a case', () => {
  it('is opened when a subscriber says that the data are wrong, once an activation', async () => {
    const { activation, jwe, id } = await refused('公司名稱少一個字');
    await bench.receive('certificate.refused', { cardNumber, activation, jwe }, { id });
    await bench.receive('certificate.refused', { cardNumber, activation, jwe });
    const found = (await list('?limit=100')).items.filter((item) => item['id'] === activation);
    expect(found).toEqual([
      {
        ...{ id: activation, kind: 'wrong-data', cardNumber, whatIsWrong: '公司名稱少一個字' },
        ...{ caseNumber: expect.stringMatching(/^K/), openedAt: expect.stringMatching(/Z$/) },
        ...{ closedAt: null, outcome: null },
      },
    ]);
  });

  it('is closed with what was done, and stays so', async () => {
    const { activation } = await refused('負責人姓名有誤');
    const first = await close(activation, '已廢止並重新製卡');
    expect(first).toMatchObject({ status: 200, body: { id: activation, outcome: '已廢止並重新製卡' } });
    expect((await close(activation, '已廢止並重新製卡')).body).toEqual(first.body);
    expect((await close(activation, '別的處理')).status).toBe(409);
    expect((await close(randomUUID(), '處理')).status).toBe(404);
    const ids = async (query: string) => (await list(query)).items.map(({ id }) => id);
    expect(await ids('?state=open&limit=100')).not.toContain(activation);
    expect(await ids('?state=closed&limit=100')).toContain(activation);
    for (const outcome of ['', undefined, 7, 'x'.repeat(501), 'a\nb']) {
      expect((await close(activation, outcome)).status).toBe(400);
    }
    expect((await close('x', '處理')).status).toBe(400);
  });

  it('is listed page by page, oldest first', async () => {
    for (let i = 0; i < 5; i += 1) await refused(`第 ${i} 項`);
    const whole = (await list('?limit=100')).items.map(({ id }) => id);
    const paged: unknown[] = [];
    for (let after = ''; ;) {
      const { items, next } = await list(`?limit=2${after}`);
      paged.push(...items.map(({ id }) => id));
      if (next === null) break;
      after = `&after=${next}`;
    }
    expect(paged).toEqual(whole);
    for (const query of ['?state=lost', '?limit=0', '?after=1', '?page=1']) {
      expect((await bench.call('GET', `/api/v1/cases${query}`, { role: 'application-officer' })).status).toBe(400);
    }
  });

  it('is for the office alone', async () => {
    expect((await bench.call('GET', '/api/v1/cases')).status).toBe(401);
    expect((await bench.call('GET', '/api/v1/cases', { role: 'ca-operator' })).status).toBe(403);
    const path = `/api/v1/cases/${randomUUID()}/closing`;
    expect((await bench.call('POST', path, { body: { outcome: 'x' }, role: 'ca-officer' })).status).toBe(403);
  });

  it('keeps what was said sealed', async () => {
    const { activation } = await refused('秘密地址一號');
    expect((await list('?limit=100')).items.find(({ id }) => id === activation)).toBeDefined();
    const stored = await bench.everythingStored();
    for (const text of [stored, bench.log]) expect(text).not.toMatch(/秘密地址|少一個字|姓名有誤/);
  });
});
