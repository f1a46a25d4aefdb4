import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { KaikaEvent } from '#libs/events';
import { Figures } from './figures.js';
import { type CardStory, withStatusQuery } from './status-query.fixture.js';

const running = withStatusQuery();
beforeEach(() => {
  running.bench.owner.answers = false;
});

const CUT = { kind: 'cut', cut: '2026-11-21T16:00:00Z', lists: [] } as { kind: 'cut'; cut: string; lists: [] };

describe('search', () => {
  it('shows each status as soon as its row is applied, and of which row that is', async () => {
    const { bench } = running;
    const card = await bench.newCard();
    await bench.deliver(card.event);
    expect(await bench.statusOf(card)).toBe('pending');
    for (const [change, shown] of [
      ['accept', 'valid'],
      ['suspend', 'suspended'],
      ['resume', 'valid'],
      ['suspend', 'suspended'],
      ['revoke', 'revoked'],
    ] as const) {
      const event = card[change]();
      await bench.deliver(event);
      expect(await bench.statusOf(card)).toBe(shown);
      expect((await bench.find(card.issued.cardNumber)).asOfSeq).toBe(bench.owner.log.length);
    }
    await bench.deliver(bench.owner.write(CUT));
    expect(await bench.statusOf(card)).toBe('revoked');
    expect((await bench.find(card.issued.cardNumber)).asOfSeq).toBe(bench.owner.log.length);
  });

  it('shows expired certificates as such, also suspended ones, but revoked ones as revoked', async () => {
    const { bench } = running;
    const card = await bench.newCard({ notAfter: '2026-01-01T15:59:59Z' });
    await bench.deliver(card.event, card.accept());
    expect(await bench.statusOf(card)).toBe('expired');
    await bench.deliver(card.suspend());
    expect(await bench.statusOf(card)).toBe('expired');
    await bench.deliver(card.revoke());
    expect(await bench.statusOf(card)).toBe('revoked');
  });

  it('tells what is in the certificates and on the list, and nothing about people', async () => {
    const { bench } = running;
    const card = await bench.newCard();
    await bench.deliver(card.event, card.accept(), card.suspend());
    await bench.feed.applyReady();
    const { issued } = card;
    expect(await bench.find(issued.cardNumber.toLowerCase())).toEqual({
      items: [
        {
          ...{ cardNumber: issued.cardNumber, serials: issued.serials, issuerSki: issued.issuerSki },
          ...{ subject: issued.subject, name: issued.name, ubn: issued.ubn, rank: 'primary' },
          ...{ notBefore: '2026-11-21T01:00:00.000Z', notAfter: '2031-11-21T15:59:59.000Z', status: 'suspended' },
          acceptedAt: '2026-11-21T03:00:00.000Z',
          listed: { reason: 'certificateHold', since: '2026-11-21T03:30:00.000Z' },
        },
      ],
      next: null,
      asOfSeq: bench.owner.log.length,
    });
  });

  it('finds nothing under an unknown number, and takes no other question', async () => {
    const { bench } = running;
    expect(await bench.find('TT99999999999999')).toEqual({ items: [], next: null, asOfSeq: expect.any(Number) });
    for (const query of ['', '?cardNumber=1', '?cardNumber=TT99999999999999&email=a@b.example']) {
      expect((await bench.get(query)).status).toBe(400);
    }
  });
});

describe('a certificate', () => {
  it('can be downloaded from its acceptance on, whatever happens to it later', async () => {
    const { bench } = running;
    const card = await bench.newCard();
    const { serials, certificates } = card.issued;
    const statuses = async () => {
      await bench.feed.applyReady();
      const paths = [serials.signature, serials.encryption].flatMap((serial) =>
        ['cer', 'pem', 'p7b'].map((ending) => `/${serial}.${ending}`),
      );
      return Promise.all(paths.map(async (path) => (await bench.get(path)).status));
    };
    const all = (status: number) => Array<number>(6).fill(status);
    expect(await statuses()).toEqual(all(404));
    await bench.deliver(card.event);
    expect(await statuses()).toEqual(all(404));
    await bench.deliver(card.suspend()); // before the acceptance: listed, and still not to be had
    expect(await statuses()).toEqual(all(404));
    for (const event of [card.resume(), card.accept(), card.suspend(), card.revoke()]) await bench.deliver(event);
    expect(await statuses()).toEqual(all(200));

    const der = await bench.get(`/${serials.encryption.toLowerCase()}.cer`);
    expect(der.headers.get('content-type')).toBe('application/pkix-cert');
    expect(Buffer.from(await der.arrayBuffer()).toString('base64')).toBe(certificates.encryption);
    const pem = await bench.get(`/${serials.signature}.pem`);
    expect(pem.headers.get('content-type')).toMatch(/^application\/x-pem-file/);
    const text = await pem.text();
    expect(new X509Certificate(text).raw.toString('base64')).toBe(certificates.signature);
    const said = execFileSync('openssl', ['x509', '-noout', '-serial'], { input: text, encoding: 'utf8' });
    expect(said.trim()).toBe(`serial=${serials.signature}`);
  });

  it.each(['signature', 'encryption'] as const)(
    'comes with its chain to the root, as openssl reads it: %s',
    async (role) => {
      const { bench } = running;
      const card = await bench.newCard({ name: '光年測試股份有限公司'.repeat(6) });
      await bench.deliver(card.event, card.accept());
      await bench.feed.applyReady();
      const answer = await bench.get(`/${card.issued.serials[role]}.p7b`);
      expect(answer.headers.get('content-type')).toBe('application/x-pkcs7-certificates');
      const input = Buffer.from(await answer.arrayBuffer());
      const pems = execFileSync('openssl', ['pkcs7', '-inform', 'DER', '-print_certs'], { input, encoding: 'utf8' });
      const found = pems.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g)!.map((pem) => new X509Certificate(pem));
      const { issuing, root } = bench.authority;
      const wanted = [Buffer.from(card.issued.certificates[role], 'base64'), issuing.der, root.der];
      expect(found.map(({ raw }) => raw.toString('hex'))).toEqual(wanted.map((der) => der.toString('hex')));
      const file = (name: string, text: string) => (writeFileSync(join(bench.dir, name), text), join(bench.dir, name));
      const [leaf, middle, top] = found.map((certificate, i) => file(`chain-${i}.pem`, certificate.toString()));
      const args = ['verify', '-attime', '1795240000', '-CAfile', top!, '-untrusted', middle!, leaf!];
      expect(execFileSync('openssl', args, { encoding: 'utf8' })).toContain('OK');
    },
  );

  it('of a CA that is not this authority’s has no chain to send', async () => {
    const { bench } = running;
    const card = await bench.newCard({ issuerSki: 'B'.repeat(40) });
    await bench.deliver(card.event, card.accept());
    await bench.feed.applyReady();
    const answer = await bench.get(`/${card.issued.serials.signature}.p7b`);
    expect([answer.status, ((await answer.json()) as { type: string }).type]).toEqual([
      503,
      'urn:kaika:error:authorityUnavailable',
    ]);
  });

  it('that never was, or is not asked for by a serial, is not found or refused', async () => {
    const { bench } = running;
    const missing = await bench.get(`/${'7F'.repeat(16)}.cer`);
    expect(missing.status).toBe(404);
    expect(missing.headers.get('content-type')).toContain('application/problem+json');
    expect(missing.headers.get('cache-control')).toBe('no-store');
    expect((await bench.get('/1234.cer')).status).toBe(400);
    expect((await bench.get(`/${'7F'.repeat(16)}.exe`)).status).toBe(404);
    expect((await bench.get(`/${'7F'.repeat(16)}`)).status).toBe(404);
  });

  it('of the card itself (9E) cannot be had at all', async () => {
    const { bench } = running;
    const card = await bench.newCard();
    await bench.deliver(card.event, card.accept());
    await bench.feed.applyReady();
    const { serialNumber } = new X509Certificate(Buffer.from(card.issued.certificates.cardAuthentication, 'base64'));
    expect((await bench.get(`/${serialNumber.padStart(32, '0')}.cer`)).status).toBe(404);
  });
});

describe('the read model', () => {
  const change = fc.constantFrom('accept', 'suspend', 'resume', 'revoke', 'cut');
  /** Of up to three cards in one log, and the order and doubles in which everything arrives. */
  const scenario = fc.record({
    changes: fc.array(fc.tuple(fc.nat({ max: 2 }), change), { minLength: 1, maxLength: 12 }),
    order: fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
    doubles: fc.array(fc.nat(), { maxLength: 8 }),
    looks: fc.nat({ max: 5 }),
  });

  async function play(changes: [number, 'accept' | 'suspend' | 'resume' | 'revoke' | 'cut'][]) {
    const { bench } = running;
    const cards = [await bench.newCard(), await bench.newCard(), await bench.newCard()];
    const events: KaikaEvent[] = changes.map(([who, what]) =>
      what === 'cut' ? bench.owner.write(CUT) : cards[who]![what](),
    );
    return { cards, events: [...cards.map((card) => card.event), ...events] };
  }

  const wanted = (cards: CardStory[]) =>
    cards.map(({ issued }) => {
      const last = running.bench.owner.log.findLast(
        (row) => row.kind !== 'cut' && row.cardNumber === issued.cardNumber,
      );
      if (!last || last.kind === 'cut') return { status: 'pending', acceptedAt: null, listed: null };
      const listed = last.listed && { ...last.listed, since: new Date(last.listed.since).toISOString() };
      const revoked = listed !== null && listed.reason !== 'certificateHold';
      const status = revoked ? 'revoked' : last.holds.length ? 'suspended' : last.acceptedAt ? 'valid' : 'pending';
      return { status, acceptedAt: last.acceptedAt, listed };
    });

  const found = (cards: CardStory[]) =>
    Promise.all(
      cards.map(async ({ issued }) => {
        const { status, acceptedAt, listed } = (await running.bench.find(issued.cardNumber)).items[0]!;
        return { status, acceptedAt, listed };
      }),
    );

  it('is the same in any order of rows and topics, and when everything comes again', async () => {
    const { bench } = running;
    await fc.assert(
      fc.asyncProperty(scenario, async ({ changes, order, doubles, looks }) => {
        const { cards, events } = await play(changes);
        const shuffled = events
          .map((event, i) => ({ event, at: order[i % order.length]! }))
          .sort((a, b) => a.at - b.at)
          .map(({ event }) => event);
        for (const at of doubles) shuffled.splice(at % (shuffled.length + 1), 0, shuffled[at % shuffled.length]!);
        for (const [i, event] of shuffled.entries()) {
          await bench.deliver(event);
          if (looks > 0 && i % looks === 0) await bench.feed.applyReady();
        }
        expect((await bench.feed.applyReady()).seq).toBe(bench.owner.log.length);
        expect(await found(cards)).toEqual(wanted(cards));
      }),
      { numRuns: 40 },
    );
    expect(await bench.sql('select * from dead_letter')).toEqual([]);
    expect(await bench.sql('select * from feed_conflict')).toEqual([]);
  }, 120_000);

  it('stands still below a hole, and fetches the missing rows from the owner', async () => {
    const { bench } = running;
    const start = bench.owner.log.length;
    const { cards, events } = await play([[0, 'accept'], [0, 'suspend'], [0, 'resume'], [1, 'accept'], [0, 'suspend']]); // prettier-ignore
    const lost = new Set([events[4], events[5]]);
    await bench.deliver(...events.filter((event) => !lost.has(event)));
    expect(await bench.statusOf(cards[0]!)).toBe('valid');
    expect(await bench.statusOf(cards[1]!)).toBe('pending');
    expect((await bench.find(cards[0]!.issued.cardNumber)).asOfSeq).toBe(start + 1);
    bench.owner.answers = true;
    expect((await bench.feed.catchUp(bench.owner.log.length)).seq).toBe(start + 5);
    expect(await found(cards)).toEqual(wanted(cards));
    await bench.deliver(...(lost as Iterable<KaikaEvent>));
    expect(await found(cards)).toEqual(wanted(cards));
  });

  it('follows the bus by itself', async () => {
    const { bench } = running;
    const card = await bench.newCard();
    await bench.publish(card.event, card.accept(), card.suspend());
    const deadline = performance.now() + 15_000;
    let status: unknown;
    while (status !== 'suspended' && performance.now() < deadline) {
      status = (await bench.find(card.issued.cardNumber)).items[0]?.['status'];
    }
    expect(status).toBe('suspended');
  });

  it('keeps the status of a card it has not heard of until it does', async () => {
    const { bench } = running;
    const card = await bench.newCard();
    await bench.deliver(card.accept(), card.suspend());
    expect(await bench.statusOf(card)).toBeUndefined();
    const { issued } = card;
    const waiting = await bench.sql(
      `update card_status set noticed_at = noticed_at - interval '11 minutes'
       where card_number = '${issued.cardNumber}' returning 1`,
    );
    expect(waiting).toHaveLength(1);
    const pending = await bench.service.app.get(Figures).pendingCards();
    expect(pending.count).toBeGreaterThanOrEqual(1);
    expect(pending.oldestSeconds).toBeGreaterThan(660);
    await bench.deliver(card.event);
    expect((await bench.service.app.get(Figures).pendingCards()).count).toBe(pending.count - 1);
    expect(await bench.statusOf(card)).toBe('suspended');
    expect((await bench.get(`/${card.issued.serials.signature}.cer`)).status).toBe(200);
  });
});
