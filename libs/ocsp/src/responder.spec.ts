import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { verify } from 'node:crypto';
import { OCSPResponse, type BasicOCSPResponse, type SingleResponse } from 'pkijs';
import { newSerial, nothing, sequence, type CrlReason } from '#libs/pki';
import type { Delegate } from './delegate.js';
import { Responder, type Answer, type KnownCertificate } from './responder.js';
import { RESPONSE_STATUS } from './response.js';
import {
  newSigner,
  pkijsRequest,
  readBasic,
  testAuthority,
  testDelegate,
  testResponder,
  type TestAuthority,
} from './testing.js';

const NOW = new Date('2026-11-21T08:00:10.250Z');
const WATERMARK = new Date('2026-11-21T08:00:09.900Z');
const knowledge = { now: NOW, thisUpdate: WATERMARK };
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1_000);
const NOT_AFTER = new Date('2031-11-21T15:59:59Z');

const [GOOD, HELD, COMPROMISED, EXPIRED, UNSAID, NEVER] = Array.from({ length: 6 }, newSerial) as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const revoked = (at: string, reason: CrlReason | undefined, seq: number, notAfter = NOT_AFTER): KnownCertificate => ({
  status: 'revoked',
  revocationTime: new Date(at),
  reason,
  seq,
  notAfter,
});
const known = new Map<string, KnownCertificate>([
  [GOOD, { status: 'good', seq: 1, notAfter: NOT_AFTER }],
  [HELD, revoked('2026-11-20T01:02:03Z', 'certificateHold', 2)],
  [COMPROMISED, revoked('2026-11-19T01:02:03Z', 'keyCompromise', 3)],
  [EXPIRED, revoked('2026-11-18T01:02:03Z', 'superseded', 4, new Date('2026-11-18T15:59:59Z'))],
  [UNSAID, revoked('2026-11-17T01:02:03Z', 'unspecified', 5)],
]);

let authority: TestAuthority;
let delegate: Delegate;
let responder: Responder;
beforeAll(async () => {
  authority = await testAuthority();
  delegate = await testDelegate(authority.issuing, ago(60));
  responder = await testResponder(authority.issuing, known, NOW, { delegate });
});
afterAll(() => authority.remove());

const ask = async (serials: string[], options = {}): Promise<Answer> =>
  responder.answer(await pkijsRequest(authority.issuing, serials, options), knowledge);
const singles = (answer: Answer): SingleResponse[] => readBasic(answer.der).tbsResponseData.responses;
const statusOf = (answer: Answer): number => OCSPResponse.fromBER(answer.der).responseStatus.valueBlock.valueDec;

/** 'good', 'unknown', or 'revoked <reason number>' at its time. */
function said({ certStatus }: SingleResponse): string {
  const tag = certStatus.idBlock.tagNumber;
  if (tag !== 1) return tag === 0 ? 'good' : 'unknown';
  const [time, reason] = certStatus.valueBlock.value;
  return `revoked ${time.toDate().toISOString()} ${reason?.valueBlock.value[0].valueBlock.valueDec ?? 'no reason'}`;
}

function expectSigned(basic: BasicOCSPResponse, by: Delegate, hash = 'sha256'): void {
  const tbs = Buffer.from(basic.tbsResponseData.tbsView);
  const signature = Buffer.from(basic.signature.valueBlock.valueHexView);
  expect(verify(hash, tbs, by.signer.publicKey, signature)).toBe(true);
  expect(basic.certs!.map((certificate) => Buffer.from(certificate.toSchema().toBER()))).toEqual([by.certificate]);
}

describe('an answer', () => {
  it('says of each certificate what is known, in the order of the request', async () => {
    const serials = [HELD, GOOD, NEVER, COMPROMISED, GOOD, UNSAID, '01'];
    for (const hash of ['SHA-1', 'SHA-256'] as const) {
      const answer = await ask(serials, { hash });
      const basic = readBasic(answer.der);
      expectSigned(basic, delegate);
      expect(singles(answer).map(said)).toEqual([
        'revoked 2026-11-20T01:02:03.000Z 6',
        'good',
        'unknown',
        'revoked 2026-11-19T01:02:03.000Z 1',
        'good',
        'revoked 2026-11-17T01:02:03.000Z no reason',
        'unknown',
      ]);
      const asked = await pkijsRequest(authority.issuing, serials, { hash });
      for (const { certID } of singles(answer)) {
        expect(asked.includes(Buffer.from(certID.toSchema().toBER()))).toBe(true);
      }
    }
  });

  it('is signed by the delegate’s key, whichever kind it has, and names it by its key', async () => {
    for (const kind of ['p-256', 'rsa-2048'] as const) {
      const other = await testDelegate(authority.issuing, ago(60), newSigner(kind));
      const by = await testResponder(authority.issuing, known, NOW, { delegate: other });
      const answer = await by.answer(await pkijsRequest(authority.issuing, [GOOD]), knowledge);
      const basic = readBasic(answer.der);
      expectSigned(basic, other);
      const { responderID } = basic.tbsResponseData;
      expect(responderID.valueBlock.valueHexView).toHaveLength(20);
      expect(other.responderId.includes(Buffer.from(responderID.valueBlock.valueHexView))).toBe(true);
    }
  });

  it('speaks as of the watermark, never as of now, and for an hour', async () => {
    const answer = await ask([GOOD]);
    const { producedAt, responses } = readBasic(answer.der).tbsResponseData;
    expect(producedAt).toEqual(new Date('2026-11-21T08:00:10Z'));
    expect(responses[0]!.thisUpdate).toEqual(new Date('2026-11-21T08:00:09Z'));
    expect(responses[0]!.nextUpdate).toEqual(new Date('2026-11-21T09:00:09Z'));
    expect(answer).toMatchObject({ cacheable: true, maxAgeSeconds: 60 });
  });

  it('never says that a certificate was revoked after the time the answer speaks of', async () => {
    const at = new Date('2026-11-21T08:00:11Z'); // applied behind the watermark, by a clock that is ahead of ours
    const late = new Map([[GOOD, { status: 'revoked', revocationTime: at, seq: 9, notAfter: NOT_AFTER } as const]]);
    const by = await testResponder(authority.issuing, late, NOW, { delegate });
    const answer = await by.answer(await pkijsRequest(authority.issuing, [GOOD]), knowledge);
    const { producedAt, responses } = readBasic(answer.der).tbsResponseData;
    expect(responses[0]!.thisUpdate).toEqual(at);
    expect(producedAt).toEqual(at);
  });

  it('does not speak as of a watermark that is ahead of our own clock', async () => {
    const request = await pkijsRequest(authority.issuing, [GOOD], { nonce: Buffer.of(1) });
    const answer = await responder.answer(request, { now: NOW, thisUpdate: ago(-5) });
    expect(singles(answer)[0]!.thisUpdate).toEqual(new Date('2026-11-21T08:00:10Z'));
  });

  it('promises nothing beyond the life of the delegate', async () => {
    const now = new Date(delegate.notAfter.getTime() - 30_000);
    const request = await pkijsRequest(authority.issuing, [GOOD]);
    const answer = await responder.answer(request, { now, thisUpdate: now });
    expect(singles(answer)[0]!.nextUpdate).toEqual(delegate.notAfter);
    expect(answer.maxAgeSeconds).toBe(30);
  });

  it('keeps saying revoked after expiry, with the archive cutoff, and only then', async () => {
    const [expired, held] = singles(await ask([EXPIRED, HELD]));
    expect(said(expired!)).toBe('revoked 2026-11-18T01:02:03.000Z 4');
    const [cutoff] = expired!.singleExtensions!;
    expect(cutoff).toMatchObject({ extnID: '1.3.6.1.5.5.7.48.1.6', critical: false });
    expect(Buffer.from(cutoff!.extnValue.valueBlock.valueHexView).subarray(2).toString()).toBe('20260101000000Z');
    expect(held!.singleExtensions).toBeUndefined();
  });

  it.each([1, 32, 128])('repeats a nonce of %i octets and is then for nobody else', async (length) => {
    const nonce = Buffer.alloc(length, 0x5a);
    const answer = await ask([GOOD], { nonce });
    const [extension, ...others] = readBasic(answer.der).tbsResponseData.responseExtensions!;
    expect(extension).toMatchObject({ extnID: '1.3.6.1.5.5.7.48.1.2', critical: false });
    expect(Buffer.from(extension!.extnValue.valueBlock.valueHexView).subarray(-length)).toEqual(nonce);
    expect(others).toEqual([]);
    expect(answer).toMatchObject({ cacheable: false, maxAgeSeconds: 0 });
    expect(readBasic((await ask([GOOD])).der).tbsResponseData.responseExtensions).toBeUndefined();
  });

  it('is not to be kept when it says unknown: the certificate may be issued the next moment', async () => {
    expect(await ask([NEVER])).toMatchObject({ status: 'successful', cacheable: false });
    expect(await ask([GOOD, NEVER])).toMatchObject({ status: 'successful', cacheable: false });
    expect(await ask([GOOD, HELD])).toMatchObject({ status: 'successful', cacheable: true });
  });

  it('asks only for serials that may have been issued, each once', async () => {
    const asked: string[][] = [];
    const lookup = async (serials: readonly string[]) => (asked.push([...serials]), known);
    const by = await testResponder(authority.issuing, known, NOW, { delegate, lookup });
    const serials = [GOOD, '01', GOOD, `00${'80'.repeat(16)}`, '7F'.repeat(20)];
    await by.answer(await pkijsRequest(authority.issuing, serials), knowledge);
    await by.answer(await pkijsRequest(authority.issuing, ['01']), knowledge);
    expect(asked).toEqual([[GOOD]]);
  });
});

describe('an error', () => {
  const critical = { type: '2.999.1', critical: true, value: nothing() };
  const withDelegate = (options: object) => testResponder(authority.issuing, known, NOW, { delegate, ...options });

  it.each<[keyof typeof RESPONSE_STATUS, string, () => Promise<Answer>]>([
    ['malformedRequest', 'an empty request', () => responder.answer(Buffer.alloc(0), knowledge)],
    ['malformedRequest', 'a megabyte', () => responder.answer(Buffer.alloc(1 << 20, 0x30), knowledge)],
    ['malformedRequest', 'a critical extension nobody knows', () => ask([GOOD], { extensions: [critical] })],
    ['malformedRequest', 'a nonce of 129 octets', () => ask([GOOD], { nonce: Buffer.alloc(129) })],
    ['malformedRequest', 'a nonce of none', () => ask([GOOD], { nonce: Buffer.alloc(0) })],
    ['malformedRequest', '101 certificates', () => ask(Array.from({ length: 101 }, () => GOOD))],
    [
      'unauthorized',
      'a certificate of another CA',
      async () => responder.answer(await pkijsRequest(authority.card, [GOOD]), knowledge),
    ],
    [
      'unauthorized',
      'a hash nobody knows',
      async () => {
        const der = await pkijsRequest(authority.issuing, [GOOD]);
        return responder.answer(Buffer.from(der.toString('hex').replace('2b0e03021a', '2b0e03021b'), 'hex'), knowledge);
      },
    ],
    [
      'unauthorized',
      'one of another CA among ours',
      async () => {
        const foreign = await pkijsRequest(authority.root, [GOOD]);
        const ours = await pkijsRequest(authority.issuing, [GOOD]);
        const one = (der: Buffer) => der.subarray(6);
        return responder.answer(sequence(sequence(sequence(one(ours), one(foreign)))), knowledge);
      },
    ],
    [
      'tryLater',
      'knowledge of more than 30 s ago',
      async () =>
        responder.answer(await pkijsRequest(authority.issuing, [GOOD]), { now: NOW, thisUpdate: ago(30.001) }),
    ],
    [
      'tryLater',
      'no watermark yet',
      async () => responder.answer(await pkijsRequest(authority.issuing, [GOOD]), { now: NOW, thisUpdate: undefined }),
    ],
    [
      'tryLater',
      'a delegate that has expired',
      async () => {
        const now = new Date(delegate.notAfter.getTime() + 1_000);
        return responder.answer(await pkijsRequest(authority.issuing, [GOOD]), { now, thisUpdate: now });
      },
    ],
    [
      'tryLater',
      'a delegate from the future',
      async () => {
        const now = new Date(delegate.notBefore.getTime() - 1);
        return responder.answer(await pkijsRequest(authority.issuing, [GOOD]), { now, thisUpdate: now });
      },
    ],
    [
      'tryLater',
      'no delegate yet',
      async () => {
        const bare = new Responder({ issuer: authority.issuing, lookup: async () => known });
        return bare.answer(await pkijsRequest(authority.issuing, [GOOD]), knowledge);
      },
    ],
    [
      'tryLater',
      'a look-up that fails',
      async () => {
        const by = await withDelegate({ lookup: async () => Promise.reject(new Error('the database is gone')) });
        return by.answer(await pkijsRequest(authority.issuing, [GOOD]), knowledge);
      },
    ],
    [
      'internalError',
      'a key that does not sign',
      async () => {
        const sign = async () => Promise.reject(new Error('the HSM is gone'));
        const broken = { ...delegate, signer: { ...delegate.signer, algorithm: delegate.signer.algorithm, sign } };
        const by = await withDelegate({ delegate: broken as unknown as Delegate });
        return by.answer(await pkijsRequest(authority.issuing, [GOOD]), knowledge);
      },
    ],
    [
      'internalError',
      'a date that is none',
      async () => {
        const wrong = new Map([
          [GOOD, { status: 'revoked', revocationTime: new Date(NaN), seq: 1, notAfter: NOT_AFTER }],
        ]);
        const by = await withDelegate({ lookup: async () => wrong });
        return by.answer(await pkijsRequest(authority.issuing, [GOOD]), knowledge);
      },
    ],
  ])('is %s for %s, unsigned and not to be kept', async (status, _what, answering) => {
    const answer = await answering();
    expect(answer).toMatchObject({ status, cacheable: false, maxAgeSeconds: 0 });
    expect(statusOf(answer)).toBe(RESPONSE_STATUS[status]);
    expect(answer.der).toEqual(Buffer.of(0x30, 0x03, 0x0a, 0x01, RESPONSE_STATUS[status]));
  });

  it('keeps the cause for the log', async () => {
    const by = await withDelegate({ lookup: async () => Promise.reject(new Error('the database is gone')) });
    const answer = await by.answer(await pkijsRequest(authority.issuing, [GOOD]), knowledge);
    expect(answer).toHaveProperty('cause.message', 'the database is gone');
  });

  it('is thrown only for a delegate of another issuer, before it signs anything', async () => {
    const foreign = await testDelegate(authority.card, ago(60));
    expect(() => responder.use(foreign)).toThrow(expect.objectContaining({ code: 'certificateLint' }));
    expect(responder.delegate).toBe(delegate);
  });
});

describe('the cache', () => {
  const at = (seconds: number) => ({ now: ago(-seconds), thisUpdate: ago(1 - seconds) });
  const setUp = async (maxCached?: number) => {
    const state = new Map(known);
    const by = await testResponder(authority.issuing, state, NOW, { delegate, maxCached });
    const answer = async (serial: string, seconds: number, options = {}) =>
      (await by.answer(await pkijsRequest(authority.issuing, [serial], options), at(seconds))).der;
    return { by, state, answer };
  };

  it('gives the same octets again, for as long as their knowledge may be vouched for', async () => {
    const { answer } = await setUp();
    const first = await answer(GOOD, 0);
    expect(await answer(GOOD, 28)).toBe(first);
    expect(await answer(GOOD, 30)).not.toBe(first);
  });

  it('has another answer for another status, another hash, another certificate, and for each nonce', async () => {
    const { state, answer } = await setUp();
    const first = await answer(GOOD, 0);
    const nonce = await answer(GOOD, 0, { nonce: Buffer.of(1) });
    expect(await answer(GOOD, 0, { nonce: Buffer.of(1) })).not.toBe(nonce);
    expect(await answer(GOOD, 0, { hash: 'SHA-256' })).not.toBe(first);
    state.set(GOOD, revoked('2026-11-21T08:00:00Z', 'certificateHold', 7));
    expect(said(readBasic(await answer(GOOD, 0)).tbsResponseData.responses[0]!)).toMatch(/^revoked .* 6$/);
    state.set(GOOD, { status: 'good', seq: 8, notAfter: NOT_AFTER });
    expect(said(readBasic(await answer(GOOD, 0)).tbsResponseData.responses[0]!)).toBe('good');
  });

  it('gives nothing from before when the clock was moved back, or the delegate changed', async () => {
    const { by, answer } = await setUp();
    const first = await answer(GOOD, 20);
    expect(await answer(GOOD, 0)).not.toBe(first);
    const second = await answer(GOOD, 0);
    by.use(await testDelegate(authority.issuing, ago(30)));
    expect(await answer(GOOD, 0)).not.toBe(second);
  });

  it('drops the answer that was longest unused, and can be off', async () => {
    const { answer } = await setUp(2);
    const [good, held] = [await answer(GOOD, 0), await answer(HELD, 0)];
    expect(await answer(GOOD, 0)).toBe(good);
    await answer(COMPROMISED, 0);
    expect(await answer(GOOD, 0)).toBe(good);
    expect(await answer(HELD, 0)).not.toBe(held);
    const off = await setUp(0);
    expect(await off.answer(GOOD, 0)).not.toBe(await off.answer(GOOD, 0));
  });

  it('keeps nothing about certificates that were never issued', async () => {
    const { answer } = await setUp();
    expect(await answer(NEVER, 0)).not.toBe(await answer(NEVER, 0));
  });
});
