import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import type { EventData } from '#libs/events';
import { IssuanceBench } from '../issuance.fixture.js';

type Card = EventData<'certificate.issued'>;

let bench: IssuanceBench;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();

const announced: Card[] = [];
beforeAll(async () => {
  bench = await IssuanceBench.start(database);
  for (let i = 0; i < 3; i++) {
    const cardNumber = await bench.assignedCard(i === 1 ? { kind: 'branch', branch: '臺中分公司' } : {});
    await bench.operate(`/cards/${cardNumber}/personalisation`, {});
  }
  announced.push(...(await bench.events('certificate.issued')).map(({ data }) => data));
  await bench.operate(`/cards/${announced[0]!.cardNumber}/dispatch`, { registeredMail: 'RR123456785TW' });
  await bench.assignedCard(); // in production, not issued
}, 120_000);

const ask = (query: string) => bench.call('GET', `/api/v1/issued-certificates${query}`, { role: 'service' });
async function all(limit = 100): Promise<Card[]> {
  const found: Card[] = [];
  for (let after: string | null = ''; after !== null;) {
    const { body } = await ask(`?limit=${limit}${after && `&after=${after}`}`);
    found.push(...(body['items'] as Card[]));
    after = body['next'] as string | null;
  }
  return found;
}

describe('issued certificates', () => {
  it('are told again as they were, by card number, in pages of any size', async () => {
    const wanted = announced.toSorted((a, b) => (a.cardNumber < b.cardNumber ? -1 : 1));
    expect(wanted).toHaveLength(3);
    for (const limit of [1, 2, 3, 100]) expect(await all(limit)).toEqual(wanted);
  });

  it('are for services alone', async () => {
    expect((await bench.operate('/issued-certificates')).status).toBe(403);
  });

  it.each(['?limit=0', '?limit=501', '?after=x', '?after=%00', '?colour=red'])('are not told for %s', async (query) => {
    expect((await ask(query)).status).toBe(400);
  });
});
