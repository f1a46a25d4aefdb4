import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CardRow, REASON_CODES } from '#libs/events';
import { Responder } from '#libs/ocsp';
import { type CardStory, withStatusQuery } from '../status-query.fixture.js';
import { DelegateKeeper } from './delegate-keeper.js';
import { ocspRequest, readOcspAnswer, type OcspAnswer } from './ocsp.fixture.js';

const run = promisify(execFile);
const DAY_MS = 86_400_000;
const running = withStatusQuery();

/** As suspension does each second: what is applied now is known as of now. */
async function mark(secondsAgo = 0): Promise<void> {
  const { bench } = running;
  await bench.deliver(bench.owner.watermark(new Date(bench.clock.nowMs() - secondsAgo * 1_000)));
}

beforeEach(async () => {
  const { bench } = running;
  await bench.sql('delete from status_watermark');
  await bench.service.app.get(DelegateKeeper).check();
  await bench.feed.applyReady();
  await mark();
});
afterEach(() => running.bench.clock.set(0));

const post = (body: RequestInit['body'], type = 'application/ocsp-request') =>
  fetch(`${running.bench.url}/ocsp`, { method: 'POST', headers: { 'content-type': type }, body });

async function answerOf(response: Response): Promise<OcspAnswer> {
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/ocsp-response']);
  return readOcspAnswer(Buffer.from(await response.arrayBuffer()));
}

const ask = async (...serials: string[]): Promise<OcspAnswer> =>
  answerOf(await post(await ocspRequest(running.bench.authority.issuing, ...serials)));

const statusOf = async (serial: string): Promise<string> => {
  const { status, certificates } = await ask(serial);
  return certificates[0]?.status ?? status;
};

async function issued(): Promise<CardStory> {
  const card = await running.bench.newCard();
  await running.bench.deliver(card.event);
  return card;
}

describe('openssl ocsp, over HTTP', () => {
  const openssl = async (serial: string, ...options: string[]): Promise<string> => {
    const { bench } = running;
    const file = (name: string, pem: string) => (writeFileSync(join(bench.dir, name), pem), join(bench.dir, name));
    const issuer = file('issuing.pem', bench.authority.issuing.pem);
    const root = file('root.pem', bench.authority.root.pem);
    const args = ['ocsp', '-url', `${bench.url}/ocsp`, '-issuer', issuer, '-CAfile', root, '-verify_other', issuer];
    const { stdout, stderr } = await run('openssl', [...args, ...options, '-serial', `0x${serial}`]);
    expect(stderr).toContain('Response verify OK');
    return stdout;
  };

  it('sees what happens to a card, in each of its certificates, from before its acceptance on', async () => {
    const { bench } = running;
    const card = await issued();
    for (const [change, wanted] of [
      [undefined, /: good\n/],
      ['suspend', /: revoked\n[^]*Reason: certificateHold\n[^]*Revocation Time: Nov 21 03:30:00 2026 GMT/],
      ['resume', /: good\n/],
      ['accept', /: good\n/],
      ['suspend', /: revoked\n[^]*Reason: certificateHold\n/],
      ['revoke', /: revoked\n[^]*Reason: superseded\n[^]*Revocation Time: Nov 21 04:00:00 2026 GMT/],
    ] as const) {
      if (change) await bench.deliver(card[change]());
      await bench.feed.applyReady();
      await mark();
      for (const serial of Object.values(card.issued.serials)) {
        expect(await openssl(serial)).toMatch(wanted);
        expect(await openssl(serial, '-sha256', '-no_nonce')).toMatch(wanted);
      }
    }
    expect(await openssl('7F'.repeat(16))).toMatch(/: unknown\n/);
  });
});

describe('a request', () => {
  it('may come by GET, encoded well or badly, and then be cached', async () => {
    const { bench } = running;
    const card = await issued();
    // Of some hundred serials one makes base64 with both characters that paths are careless about.
    let text: string;
    let serial = card.issued.serials.signature;
    do {
      text = (await ocspRequest(bench.authority.issuing, serial)).toString('base64');
      if (text.includes('/') && text.includes('+')) break;
      serial = `01${Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('hex')}`.toUpperCase();
    } while (serial);
    const wanted = serial === card.issued.serials.signature ? 'good' : 'unknown';
    for (const path of [
      `/${encodeURIComponent(text)}`,
      `/${text}`,
      `//${text}`,
      `///${encodeURIComponent(text)}?x=1`,
    ]) {
      const response = await fetch(`${bench.url}/ocsp${path}`);
      expect((await answerOf(response)).certificates[0]!.status).toBe(wanted);
    }
    const good = (await ocspRequest(bench.authority.issuing, card.issued.serials.signature)).toString('base64');
    const { headers } = await fetch(`${bench.url}/ocsp/${encodeURIComponent(good)}`);
    expect(headers.get('cache-control')).toMatch(/^public, max-age=([1-5]?\d|60), no-transform, must-revalidate$/);
    expect(headers.get('etag')).toMatch(/^"[0-9a-f]{64}"$/);
    expect(headers.get('last-modified')).toMatch(/GMT$/);
  });

  it.each(['%', '%zz', '%00', 'nothing', '..%2f..%2fetc', '%E4%B8', '<script>', 'A'.repeat(8_000)])(
    'that is no request is answered as malformed: GET %s',
    async (path) => {
      const { status } = await answerOf(await fetch(`${running.bench.url}/ocsp/${path}`));
      expect(status).toBe('malformedRequest');
    },
  );

  it.each([
    ['nothing', ''],
    ['a megabyte', Buffer.alloc(1 << 20, 0x30)],
    ['text', 'is it good?'],
    ['DER of something else', Buffer.from('3003020101', 'hex')],
    ['a cut-off request', Buffer.from('3082ffff30', 'hex')],
  ])('that is no request is answered as malformed: POST of %s', async (_what, body) => {
    for (const type of ['application/ocsp-request', 'application/octet-stream', 'text/plain', '']) {
      expect((await answerOf(await post(body, type))).status).toBe('malformedRequest');
    }
  });

  it('of a thousand certificates, of another issuer, or sent as JSON is refused in OCSP’s own words', async () => {
    const { authority } = running.bench;
    const thousand = await ocspRequest(authority.issuing, ...Array<string>(1_000).fill('7F'.repeat(16)));
    expect((await answerOf(await post(thousand))).status).toBe('malformedRequest');
    const foreign = await ocspRequest(authority.root, '7F'.repeat(16));
    expect((await answerOf(await post(foreign))).status).toBe('unauthorized');
    expect((await answerOf(await post('{"serial":1}', 'application/json'))).status).toBe('malformedRequest');
  });

  it('may ask of several at once', async () => {
    const { bench } = running;
    const [one, other] = [await issued(), await issued()];
    await bench.deliver(one.suspend());
    await bench.feed.applyReady();
    await mark();
    const { certificates } = await ask(one.issued.serials.encryption, other.issued.serials.signature, '7F'.repeat(16));
    expect(certificates.map(({ status }) => status)).toEqual(['revoked', 'good', 'unknown']);
  });

  it('about the card’s own certificate (9E) is of another issuer; a certificate of an unknown CA was never issued', async () => {
    const { bench } = running;
    const card = await bench.newCard({ issuerSki: 'C'.repeat(40) });
    await bench.deliver(card.event);
    expect(await statusOf(card.issued.serials.signature)).toBe('unknown');
  });

  it('is answered after the expiry as before', async () => {
    const { bench } = running;
    const card = await bench.newCard({ notAfter: '2026-11-01T15:59:59Z' });
    await bench.deliver(card.event, card.accept(), card.suspend(), card.revoke());
    await bench.feed.applyReady();
    await mark();
    expect(await ask(card.issued.serials.signature)).toMatchObject({
      certificates: [{ status: 'revoked', reason: REASON_CODES.superseded }],
    });
  });
});

describe('knowledge', () => {
  it('is never vouched for when it is older than 30 s', async () => {
    const { bench } = running;
    const { serials } = (await issued()).issued;
    for (const [age, wanted] of [
      [0, 'good'],
      [28, 'good'],
      [31, 'tryLater'],
      [3_600, 'tryLater'],
    ] as const) {
      await bench.sql('delete from status_watermark');
      await mark(age);
      expect(await statusOf(serials.signature)).toBe(wanted);
    }
  });

  it('that was kept from before is not vouched for either when the clock is moved', async () => {
    const { bench } = running;
    const { serials } = (await issued()).issued;
    bench.clock.set(-3_600_000);
    await bench.service.app.get(DelegateKeeper).check();
    await bench.sql('delete from status_watermark');
    await mark();
    for (let i = 0; i < 3; i++) expect(await statusOf(serials.signature)).toBe('good');
    bench.clock.set(-3_600_000 + 31_000);
    expect(await statusOf(serials.signature)).toBe('tryLater');
    await mark();
    expect(await statusOf(serials.signature)).toBe('good');
    bench.clock.set(0);
    expect(await statusOf(serials.signature)).toBe('tryLater');
  });

  it('is as of a watermark only once every row up to it is applied', async () => {
    const { bench } = running;
    const card = await issued();
    const { signature } = card.issued.serials;
    await bench.sql('delete from status_watermark');
    const suspension = card.suspend();
    await mark();
    expect(await statusOf(signature)).toBe('tryLater');
    await bench.deliver(suspension);
    await bench.feed.applyReady();
    expect(await statusOf(signature)).toBe('revoked');
  });

  it('is not as of the watermark of another epoch', async () => {
    const { bench } = running;
    const { signature } = (await issued()).issued.serials;
    await bench.sql('delete from status_watermark');
    await bench.deliver(bench.owner.watermark(bench.clock.now(), bench.owner.log.length, crypto.randomUUID()));
    expect(await statusOf(signature)).toBe('tryLater');
  });

  it('is as of the newest watermark in whatever order they come; each leaves nothing behind', async () => {
    const { bench } = running;
    const now = bench.clock.nowMs();
    const rowsBefore = await bench.sql('select count(*) from inbox');
    for (const secondsAgo of [5, 3, 9, 2, 4])
      await bench.deliver(bench.owner.watermark(new Date(now - secondsAgo * 1_000)));
    await bench.sql('delete from status_watermark');
    for (const secondsAgo of [5, 2, 9]) await mark(secondsAgo);
    const { thisUpdate } = await ask((await issued()).issued.serials.signature);
    expect(bench.clock.nowMs() - thisUpdate!.getTime()).toBeLessThan(5_000);
    expect(await bench.sql('select count(*) from status_watermark')).toEqual([{ count: '1' }]);
    const rowsAfter = await bench.sql('select count(*) from inbox');
    expect(Number(rowsAfter[0]!['count'])).toBe(Number(rowsBefore[0]!['count']) + 1); // that card's own
  });

  it('that cannot be read is no answer, nor an error of HTTP', async () => {
    const { bench } = running;
    const { signature } = (await issued()).issued.serials;
    await bench.sql('alter table status_watermark rename to hidden');
    expect(await statusOf(signature)).toBe('tryLater');
    await bench.sql('alter table hidden rename to status_watermark');
    await bench.sql('alter table certificate rename to hidden');
    expect(await statusOf(signature)).toBe('tryLater');
    await bench.sql('alter table hidden rename to certificate');
    expect(await statusOf(signature)).toBe('good');
  });
});

describe('invariant 6: search, OCSP and the status log', () => {
  const change = fc.constantFrom('accept', 'suspend', 'resume', 'revoke');
  const story = fc.array(fc.tuple(fc.nat({ max: 2 }), change), { minLength: 1, maxLength: 10 });

  it('agree on every card, of every row on', async () => {
    const { bench } = running;
    await fc.assert(
      fc.asyncProperty(story, async (changes) => {
        const cards = [await issued(), await issued(), await issued()];
        for (const [who, what] of changes) {
          await bench.deliver(cards[who]![what]());
          await bench.feed.applyReady();
          await mark();
          for (const { issued } of cards) {
            const row = bench.owner.log.findLast(
              (row): row is CardRow => row.kind !== 'cut' && row.cardNumber === issued.cardNumber,
            );
            const wanted = row?.listed
              ? { status: 'revoked', since: new Date(row.listed.since), reason: REASON_CODES[row.listed.reason] }
              : { status: 'good' };
            const { signature, encryption } = issued.serials;
            expect((await ask(signature, encryption)).certificates).toEqual([wanted, wanted]);
            const found = (await bench.find(issued.cardNumber)).items[0]!;
            const listed = row?.listed && { ...row.listed, since: new Date(row.listed.since).toISOString() };
            expect(found['listed']).toEqual(listed ?? null);
          }
        }
      }),
      { numRuns: 8 },
    );
  }, 120_000);
});

describe('the delegate', () => {
  it('is asked for until it comes, and again in the last third of its life', async () => {
    const { bench } = running;
    const responder = bench.service.app.get(Responder);
    const keeper = bench.service.app.get(DelegateKeeper);
    const { serials } = (await issued()).issued;
    const first = responder.delegate!;
    const asked = bench.issuance.asked;
    const keys = async () =>
      (await readdir(join(bench.dir, 'ocsp'))).filter((name) => name.endsWith('.key.pem')).length;
    const keysBefore = await keys();
    await keeper.check();
    expect(bench.issuance.asked).toBe(asked);

    bench.issuance.answers = false;
    bench.clock.set(-25 * DAY_MS); // before the first delegate's time
    await bench.sql('delete from status_watermark');
    await mark();
    await expect(keeper.check()).rejects.toThrow('ocsp-delegates');
    expect(await statusOf(serials.signature)).toBe('tryLater');
    bench.issuance.answers = true;
    await keeper.check();
    expect(await statusOf(serials.signature)).toBe('good');
    const second = responder.delegate!;
    expect(second.certificate).not.toEqual(first.certificate);

    bench.clock.set(-25 * DAY_MS + 21 * DAY_MS);
    await keeper.check();
    expect(responder.delegate!.notAfter.getTime()).toBeGreaterThan(second.notAfter.getTime());
    expect(await keys()).toBe(keysBefore + 2); // the key that was refused was asked for again
  });
});
