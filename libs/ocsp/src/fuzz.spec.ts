import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { verify } from 'node:crypto';
import { OCSPRequest } from 'pkijs';
import { DerReader, newSerial, readHeader, tlv } from '#libs/pki';
import { OCSP_OID } from './oids.js';
import { type Responder, type KnownCertificate } from './responder.js';
import { RESPONSE_STATUS } from './response.js';
import { pkijsRequest, testAuthority, testDelegate, testResponder, type TestAuthority } from './testing.js';

const RUNS = 20_000;
const NOW = new Date('2026-11-21T08:00:00Z');
const SERIALS = Array.from({ length: 3 }, newSerial);
const known = new Map<string, KnownCertificate>([
  [SERIALS[0]!, { status: 'good', seq: 1, notAfter: new Date('2031-01-01T00:00:00Z') }],
  [SERIALS[1]!, { status: 'revoked', revocationTime: NOW, seq: 2, notAfter: NOW }],
]);

let authority: TestAuthority;
let responder: Responder;
let seeds: Buffer[];
beforeAll(async () => {
  authority = await testAuthority();
  responder = await testResponder(authority.issuing, known, NOW, {
    delegate: await testDelegate(authority.issuing, NOW),
    maxCached: 0, // every answer is made
  });
  const acceptable = {
    type: '1.3.6.1.5.5.7.48.1.4',
    critical: false,
    value: Buffer.from('300b06092b0601050507300101', 'hex'),
  };
  const request = (serials: string[], options = {}) => pkijsRequest(authority.issuing, serials, options);
  seeds = [
    await request([SERIALS[0]!]),
    await request([SERIALS[1]!], { hash: 'SHA-256', nonce: Buffer.alloc(32, 1) }),
    await request(SERIALS, { nonce: Buffer.of(1), extensions: [acceptable] }),
  ];
});
afterAll(() => authority.remove());

/** A DER value taken apart, so that it can be changed anywhere and put together with right lengths. */
interface Node {
  tag: number;
  value: Buffer | Node[];
}

function takenApart(bytes: Buffer): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < bytes.length;) {
    const { tag, contentStart, end } = readHeader(bytes, at);
    const content = bytes.subarray(contentStart, end);
    nodes.push({ tag, value: tag & 0x20 ? takenApart(content) : content });
    at = end;
  }
  return nodes;
}

const together = ({ tag, value }: Node): Buffer => tlv(tag, ...(Array.isArray(value) ? value.map(together) : [value]));
const all = (nodes: Node[]): Node[] =>
  nodes.flatMap((node) => [node, ...(Array.isArray(node.value) ? all(node.value) : [])]);

const octet = fc.oneof(
  fc.constantFrom(0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x30, 0x80, 0x81, 0x82, 0xa0, 0xa1, 0xa2, 0xff),
  fc.nat(255),
);
const edit = fc.record({
  kind: fc.constantFrom('tag', 'content', 'drop', 'double', 'swap', 'octet', 'insert', 'cut'),
  at: fc.nat(10_000),
  octet,
  content: fc.uint8Array({ maxLength: 40 }),
});
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

/** Changes one value, somewhere in the tree. */
function editTree(bytes: Buffer, { kind, at, octet, content }: Edit): Buffer {
  const roots = takenApart(bytes);
  const nodes = all(roots);
  const node = nodes[at % nodes.length]!;
  if (kind === 'tag') node.tag = octet;
  if (kind === 'content') node.value = Buffer.from(content);
  const parents = nodes.filter(({ value }) => Array.isArray(value) && value.length > 0);
  const parent = parents[at % parents.length];
  if (parent && Array.isArray(parent.value)) {
    const place = octet % parent.value.length;
    if (kind === 'drop') parent.value.splice(place, 1);
    if (kind === 'double') parent.value.splice(place, 0, parent.value[place]!);
    if (kind === 'swap') parent.value.push(...parent.value.splice(place, 1));
  }
  return Buffer.concat(roots.map(together));
}

/** Changes octets, whatever they mean. */
function editOctets(bytes: Buffer, { kind, at, octet, content }: Edit): Buffer {
  const place = at % Math.max(1, bytes.length);
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  if (kind === 'insert') return Buffer.concat([before, content, after]);
  if (kind === 'cut') return Buffer.concat([before, after.subarray(content.length + 1)]);
  return Buffer.concat([before, Buffer.of(octet), after.subarray(1)]);
}

function edited(seed: Buffer, edits: readonly Edit[]): Buffer {
  return edits.reduce((bytes, change) => {
    try {
      return ['octet', 'insert', 'cut'].includes(change.kind) ? editOctets(bytes, change) : editTree(bytes, change);
    } catch {
      return editOctets(bytes, change); // no longer DER
    }
  }, seed);
}

describe('a responder', () => {
  it(`gives ${RUNS} spoiled requests a valid answer each, and signs only what pkijs reads in the same way`, async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.array(edit, { minLength: 1, maxLength: 3 }), async (seed, edits) => {
        const request = edited(seeds[seed]!, edits);
        const answer = await responder.answer(request, { now: NOW, thisUpdate: NOW });
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        const error = Buffer.of(0x30, 0x03, 0x0a, 0x01, RESPONSE_STATUS[answer.status]);
        if (answer.status === 'successful') expectSame(request, answer.der);
        else if (!answer.der.equals(error)) throw new Error(answer.der.toString('hex'));
      }),
      { numRuns: RUNS },
    );
    // the edits are neither too harmless nor too harsh to prove anything; a fault here would be internalError
    expect([...seen.keys()].sort()).toEqual(['malformedRequest', 'successful', 'unauthorized']);
    for (const count of seen.values()) expect(count).toBeGreaterThan(RUNS / 100);
  }, 240_000);

  it('gives noise a valid answer too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (noise) => {
        const answer = await responder.answer(noise, { now: NOW, thisUpdate: NOW });
        expect(answer.status).toBe('malformedRequest');
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The signature verifies, and the answer is about what pkijs finds in the request, nonce included. */
function expectSame(request: Buffer, der: Buffer): void {
  const { tbs, signature, serials, nonce } = readAnswer(der);
  expect(verify('sha256', tbs, responder.delegate!.signer.publicKey, signature)).toBe(true);
  const { requestList, requestExtensions } = OCSPRequest.fromBER(request).tbsRequest;
  const hex = (value: { valueBlock: { valueHexView: Uint8Array } }) =>
    Buffer.from(value.valueBlock.valueHexView).toString('hex');
  expect(serials).toEqual(requestList.map(({ reqCert }) => hex(reqCert.serialNumber)));
  const asked = requestExtensions?.find(({ extnID }) => extnID === OCSP_OID.nonce);
  expect(nonce).toBe(asked && hex(asked.extnValue));
}

/** pkijs takes a hundred times as long for an answer with its certificate; it reads answers in the other tests. */
function readAnswer(der: Buffer): { tbs: Buffer; signature: Buffer; serials: string[]; nonce: string | undefined } {
  const response = new DerReader(der).into(0x30);
  expect(response.text(0x0a, 'hex')).toBe('00');
  const bytes = response.into(0xa0).into(0x30);
  bytes.next(0x06);
  const basic = new DerReader(bytes.content(0x04)).into(0x30);
  const tbs = basic.whole(0x30);
  basic.next(0x30);
  const signature = basic.content(0x03).subarray(1);
  const data = new DerReader(tbs).into(0x30);
  data.next(0xa2);
  data.next(0x18);
  const [serials, responses] = [[] as string[], data.into(0x30)];
  while (!responses.atEnd) {
    const certId = responses.into(0x30).into(0x30);
    certId.next(0x30);
    certId.next(0x04);
    certId.next(0x04);
    serials.push(certId.text(0x02, 'hex'));
  }
  if (data.atEnd) return { tbs, signature, serials, nonce: undefined };
  const extension = data.into(0xa1).into(0x30).into(0x30);
  extension.next(0x06);
  return { tbs, signature, serials, nonce: extension.text(0x04, 'hex') };
}
