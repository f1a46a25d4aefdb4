import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type KaikaEvent, newEvent, topicOf } from '#libs/events';
import { Consumer } from '#libs/messaging';
import { AcceptanceHandlers } from './acceptance.handlers.js';
import { withAcceptance } from './acceptance.fixture.js';

const running = withAcceptance();
const EPOCH = randomUUID();
const MEANT = { source: 'test', now: new Date('2026-11-21T02:00:00Z') };
const octets = (text: string) => Buffer.from(text).toString('base64');

function issued(cardNumber: string): KaikaEvent {
  return newEvent(
    'certificate.issued',
    cardNumber,
    {
      ...{ cardNumber, cardUuid: '7f4f4bd2-7b1d-4c0f-8a51-7f43bd5f1c11', way: 'A', issuerSki: 'A'.repeat(40) },
      serials: { signature: `01${'A'.repeat(30)}`, encryption: `02${'B'.repeat(30)}` },
      ...{ subject: 'O=光年測試股份有限公司', name: '光年測試股份有限公司', ubn: '12345675', rank: 'primary' },
      ...{ notBefore: '2026-01-01T00:00:00Z', notAfter: '2030-12-31T15:59:59Z' },
      certificates: { signature: octets('9C'), encryption: octets('9D'), cardAuthentication: octets('9E') },
    },
    MEANT,
  );
}

function status(cardNumber: string, kind: 'accepted' | 'suspended' | 'resumed' | 'revoked', seq: number): KaikaEvent {
  const row = {
    ...{ epoch: EPOCH, seq, prevHash: '0'.repeat(64), hash: '0'.repeat(64), at: '2026-11-21T02:00:00.000Z', kind },
    serials: { signature: `01${'A'.repeat(30)}`, encryption: `02${'B'.repeat(30)}` },
    ...{ cardNumber, issuerSki: 'A'.repeat(40), notAfter: '2030-12-31T15:59:59Z', partition: null, holder: null },
    ...{ acceptedAt: null, holds: [], listed: null },
  };
  return newEvent(`certificate.${kind}`, cardNumber, row, MEANT);
}

/** Order holds within a topic, and a record may come again after later ones; between topics anything may happen. */
const deliveries = (topics: KaikaEvent[][]) =>
  fc
    .tuple(
      fc.shuffledSubarray(
        topics.flatMap((events, topic) => events.map(() => topic)),
        { minLength: topics.flat().length },
      ),
      fc.array(fc.record({ which: fc.nat(), later: fc.nat(), anew: fc.boolean() }), { minLength: 3, maxLength: 8 }),
    )
    .map(([turns, doubles]) => {
      const next = topics.map(() => 0);
      const order = turns.map((topic) => topics[topic]![next[topic]!++]!);
      for (const { which, later, anew } of doubles) {
        const at = which % order.length;
        // The same record again, or the same fact sent anew.
        const copy = anew ? { ...order[at]!, id: randomUUID() } : order[at]!;
        order.splice(at + 1 + (later % (order.length - at)), 0, copy);
      }
      return order;
    });

describe('what other services tell of a card', () => {
  it('comes to the same in any order across topics, and twice', async () => {
    const { bench } = running;
    let n = 0;
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (gen) => {
        const cardNumber = `TT${String(10_000 + n++).padStart(14, '0')}`;
        const credentials = [];
        for (const generation of [1, 2, 3]) {
          const data = await bench.credential(cardNumber, `Kaika#${generation}`, generation);
          credentials.push(newEvent('credential.set', cardNumber, data, MEANT));
        }
        const person = newEvent('credential.set', cardNumber, await bench.representative(cardNumber), MEANT);
        const order = gen(deliveries, [
          [issued(cardNumber)],
          [credentials[0]!], // issuance sets the first, acceptance the later ones: two producers, no order between them
          credentials.slice(1),
          [person],
          [status(cardNumber, 'accepted', 4), status(cardNumber, 'suspended', 6), status(cardNumber, 'revoked', 9)],
        ]);
        const { app } = bench.service;
        for (const event of order) {
          const record = { topic: topicOf(event.type), key: cardNumber, id: event.id, value: JSON.stringify(event) };
          await app.get(Consumer).receive(record, app.get(AcceptanceHandlers).on);
        }
        const one = async (sql: string) => (await bench.sql(sql, [cardNumber]))[0];
        expect(await one('select way, jobs_released from card where card_number = $1')).toEqual({ way: 'A', jobs_released: 0 }); // prettier-ignore
        expect(await one(`select generation from verifier where card_number = $1 and kind = 'user-code'`)).toEqual({ generation: 3 }); // prettier-ignore
        // Once there is a user code, nothing is kept of the responsible person.
        expect(await one(`select 1 from verifier where card_number = $1 and kind = 'representative'`)).toBeUndefined();
        expect(await one('select kind, seq from status_copy where card_number = $1')).toEqual({ kind: 'revoked', seq: '9' }); // prettier-ignore
      }),
      { numRuns: 25 },
    );
    expect(await bench.sql('select 1 from dead_letter')).toEqual([]);
  }, 60_000);

  it('is dead-lettered when a credential was sealed for another card or another kind', async () => {
    const { bench } = running;
    const data = await bench.credential('TT00000000900001', 'Kaika#1');
    await bench.deliver('credential.set', { ...data, cardNumber: 'TT00000000900002' });
    // Nor does a user code pass for a person.
    await bench.deliver('credential.set', { ...data, kind: 'representative' });
    const dead = await bench.sql('select key, state from dead_letter order by key');
    expect(dead).toEqual(['1', '2'].map((n) => ({ key: `TT0000000090000${n}`, state: 'dead' })));
    expect(await bench.sql(`select 1 from verifier where card_number like 'TT000000009%'`)).toEqual([]);
  });
});
