import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Clock } from '#libs/clock';
import { newSerial } from '#libs/pki';
import { type Delegate } from './delegate.js';
import { Responder, type Answer, type KnownCertificate } from './responder.js';
import { newSigner, openssl, testAuthority, testDelegate, testResponder, type TestAuthority } from './testing.js';

// openssl judges times by its own clock, so these tests speak of now
const now = new Clock().now();
const hourAgo = new Date(now.getTime() - 3_600_000);
const NOT_AFTER = new Date(now.getTime() + 86_400_000);

const [GOOD, HELD, EXPIRED, NEVER] = Array.from({ length: 4 }, newSerial) as [string, string, string, string];
const known = new Map<string, KnownCertificate>([
  [GOOD, { status: 'good', seq: 1, notAfter: NOT_AFTER }],
  [HELD, { status: 'revoked', revocationTime: hourAgo, reason: 'certificateHold', seq: 2, notAfter: NOT_AFTER }],
  [EXPIRED, { status: 'revoked', revocationTime: hourAgo, reason: 'keyCompromise', seq: 3, notAfter: hourAgo }],
]);

let authority: TestAuthority;
let files: { issuer: string; root: string; delegate: string; request: string; response: string };
beforeAll(async () => {
  authority = await testAuthority();
  const file = (name: string) => join(authority.dir, name);
  files = {
    issuer: file('issuing.pem'),
    root: file('root.pem'),
    delegate: file('delegate.pem'),
    request: file('request.der'),
    response: file('response.der'),
  };
  await writeFile(files.issuer, authority.issuing.pem);
  await writeFile(files.root, authority.root.pem);
});
afterAll(() => authority.remove());

/** What openssl asks, answered. `args`: `-serial 0x…`, `-sha256`, `-no_nonce`. */
async function exchange(responder: Responder, ...args: string[]): Promise<Answer> {
  await openssl('ocsp', '-issuer', files.issuer, ...args, '-reqout', files.request);
  const answer = await responder.answer(await readFile(files.request), { now, thisUpdate: now });
  await writeFile(files.response, answer.der);
  return answer;
}

/** openssl's judgement of the last exchange: chain to the root, delegation, nonce. */
const judge = (...args: string[]): Promise<string> =>
  openssl('ocsp', '-reqin', files.request, '-respin', files.response, ...args);

/** What it takes from the last answer for these certificates: times and statuses too. */
const statuses = (...serials: string[]): Promise<string> =>
  openssl('ocsp', '-respin', files.response, '-issuer', files.issuer, ...chain(), '-no_nonce', ...serials);

const chain = () => ['-CAfile', files.root, '-verify_other', files.issuer];

async function responderWith(kind: 'p-256' | 'rsa-2048'): Promise<{ delegate: Delegate; responder: Responder }> {
  const delegate = await testDelegate(authority.issuing, hourAgo, newSigner(kind));
  await writeFile(files.delegate, new X509Certificate(delegate.certificate).toString());
  return { delegate, responder: await testResponder(authority.issuing, known, now, { delegate }) };
}

describe('openssl ocsp', () => {
  it.each(['p-256', 'rsa-2048'] as const)('verifies answers signed with %s', async (kind) => {
    const { responder } = await responderWith(kind);
    const serials = ['-serial', `0x${GOOD}`, '-serial', `0x${HELD}`, '-sha256', '-serial', `0x${NEVER}`];
    serials.push('-serial', `0x${EXPIRED}`);
    await exchange(responder, ...serials);
    expect(await judge(...chain())).toContain('Response verify OK');
    const text = await statuses(...serials);
    expect(text).toContain('Response verify OK');
    expect(text).not.toMatch(/WARNING|rror/);
    expect(text).toMatch(new RegExp(`0x${GOOD}: good`));
    expect(text).toMatch(new RegExp(`0x${HELD}: revoked\\n.*\\n.*\\n\\s+Reason: certificateHold`));
    expect(text).toMatch(new RegExp(`0x${NEVER}: unknown`));
  });

  it('prints the answer as it is meant', async () => {
    const { responder } = await responderWith('p-256');
    await exchange(responder, '-sha256', '-serial', `0x${EXPIRED}`);
    const text = await openssl('ocsp', '-respin', files.response, '-noverify', '-resp_text');
    expect(text).toMatch(/OCSP Response Status: successful/);
    expect(text).toMatch(/Responder Id: [0-9A-F]{40}/);
    expect(text).toMatch(/Hash Algorithm: sha256/);
    expect(text).toMatch(/Cert Status: revoked/);
    expect(text).toMatch(/Revocation Reason: keyCompromise \(0x1\)/);
    expect(text).toMatch(/OCSP Archive Cutoff: \n?\s*Jan {2}1 00:00:00 2026 GMT/);
    expect(text).toMatch(/OCSP Nonce/);
    expect(text).toMatch(/X509v3 Extended Key Usage: \n\s+OCSP Signing/);
    expect(text).toMatch(/OCSP No Check/);
  });

  it('trusts the delegate when it is told to, and finds it in the answer by itself', async () => {
    const { responder } = await responderWith('p-256');
    await exchange(responder, '-serial', `0x${GOOD}`);
    expect(await judge('-VAfile', files.delegate)).toContain('Response verify OK');
    expect(await judge(...chain())).toContain('Response verify OK');
    await expect(judge('-CAfile', files.issuer)).rejects.toThrow(/Response Verify Failure/);
  });

  it('refuses an answer of which one bit was changed, and one to another nonce', async () => {
    const { responder } = await responderWith('p-256');
    const { der } = await exchange(responder, '-serial', `0x${HELD}`);
    await openssl('ocsp', '-issuer', files.issuer, '-serial', `0x${HELD}`, '-reqout', files.request);
    await expect(judge(...chain())).rejects.toThrow(/Nonce Verify error/);
    const changed = Buffer.from(der);
    const revocationTime = changed.indexOf(0x18, changed.indexOf(Buffer.from(HELD, 'hex')) + 16);
    changed[revocationTime + 4]! ^= 0x01;
    await writeFile(files.response, changed);
    await expect(statuses('-serial', `0x${HELD}`)).rejects.toThrow(/Response Verify Failure[^]*signature failure/);
  });

  it.each([
    ['malformedrequest', async (responder: Responder) => responder.answer(Buffer.alloc(3), { now, thisUpdate: now })],
    [
      'trylater',
      async (responder: Responder) => responder.answer(await readFile(files.request), { now, thisUpdate: hourAgo }),
    ],
    [
      'unauthorized',
      async () => {
        const other = new Responder({ issuer: authority.card, lookup: async () => known });
        return other.answer(await readFile(files.request), { now, thisUpdate: now });
      },
    ],
  ])('reads an error as %s', async (status, answering) => {
    const { responder } = await responderWith('p-256');
    await exchange(responder, '-serial', `0x${GOOD}`);
    await writeFile(files.response, (await answering(responder)).der);
    await expect(openssl('ocsp', '-respin', files.response)).rejects.toMatchObject({
      stdout: expect.stringMatching(new RegExp(`Responder Error: ${status}`)),
    });
  });
});
