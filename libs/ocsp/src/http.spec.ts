import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { answerHeaders, requestFromPath } from './http.js';
import { MAX_REQUEST_BYTES } from './request.js';

// a DER SEQUENCE whose base64 has every awkward character: + / and =
const request = Buffer.from('3003fbeffe', 'hex');
const base64 = request.toString('base64'); // MAP77/4=

describe('a request in a path', () => {
  it.each([
    ['as RFC 6960 has it, percent-encoded', encodeURIComponent(base64)],
    ['not encoded', base64],
    ['behind a slash', `/${encodeURIComponent(base64)}`],
    ['behind two slashes', `//${base64}`],
    ['behind an encoded slash', `%2F${encodeURIComponent(base64)}`],
    ['without padding', base64.replace(/=+$/, '')],
    ['encoded in lower-case hex', encodeURIComponent(base64).replaceAll('%2F', '%2f').replaceAll('%3D', '%3d')],
  ])('is found %s', (_how, path) => {
    expect(requestFromPath(path)).toEqual(request);
  });

  it('is found where a plus sign became a blank', () => {
    const plus = Buffer.from('300300fbefbe', 'hex');
    expect(plus.toString('base64')).toContain('+');
    expect(requestFromPath(plus.toString('base64').replaceAll('+', ' '))).toEqual(plus);
    expect(requestFromPath(plus.toString('base64').replaceAll('+', '%20'))).toEqual(plus);
  });

  it('is found with slashes inside', () => {
    const slashes = Buffer.from('3003ffffffff', 'hex');
    expect(slashes.toString('base64')).toContain('//');
    expect(requestFromPath(`//${slashes.toString('base64')}`)).toEqual(slashes);
  });

  it('is found at its longest', () => {
    const longest = Buffer.concat([Buffer.of(0x30), randomBytes(MAX_REQUEST_BYTES - 1)]);
    expect(requestFromPath(encodeURIComponent(longest.toString('base64')))).toEqual(longest);
  });

  it.each(['', '/', '%', '%zz', 'MAP7%', 'MAP*', 'MAP7-_', 'MAP77', 'M=AP', '%00', '開卡', 'A'.repeat(1 << 20)])(
    'is empty when there is none (%#)',
    (path) => {
      expect(requestFromPath(path)).toHaveLength(0);
    },
  );
});

describe('the header fields of an answer', () => {
  const der = Buffer.of(0x30, 0x00);

  it('let caches keep what they may, for a minute at most', () => {
    const thisUpdate = new Date('2026-11-21T08:00:00Z');
    const answer = { status: 'successful', der, thisUpdate, cacheable: true, maxAgeSeconds: 60 } as const;
    expect(answerHeaders(answer)).toEqual({
      'Content-Type': 'application/ocsp-response',
      'Cache-Control': 'public, max-age=60, no-transform, must-revalidate',
      'Last-Modified': 'Sat, 21 Nov 2026 08:00:00 GMT',
      ETag: expect.stringMatching(/^"[0-9a-f]{64}"$/),
    });
  });

  it('let nobody keep a nonce or an error', () => {
    const answer = { status: 'tryLater', der, cacheable: false, maxAgeSeconds: 0 } as const;
    expect(answerHeaders(answer)).toEqual({ 'Content-Type': 'application/ocsp-response', 'Cache-Control': 'no-store' });
  });
});
