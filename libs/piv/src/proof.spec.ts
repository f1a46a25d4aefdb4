import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { buildTbs, keyIdentifier, newSerial, PROFILES, signTbs, SoftwareSigner, spkiOf } from '#libs/pki';
import {
  activatedMessage,
  encodeProof,
  type ExpectedProof,
  pinResetMessage,
  type Proof,
  proofSchema,
  type ProofStatement,
  sha256,
  toWire,
  unlockedMessage,
  verifyActivation,
  verifyPinReset,
  verifyProof,
  verifyUnlocked,
} from './proof.js';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ORIGIN = 'https://ca.example';

const statement: ProofStatement = {
  purpose: 'accept',
  origin: ORIGIN,
  nonce: Buffer.alloc(32, 7),
  session: 'session-1',
  cardUuid: '6ba7b810-9dad-41d1-80b4-00c04fd430c8',
  cardNumber: 'EC12345678901234',
  signatureCertificateSha256: sha256('9C'),
  encryptionCertificateSha256: sha256('9D'),
  ephemeralKey: spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
};
const { origin: _origin, ephemeralKey: _ephemeralKey, ...known } = statement;
const expected: ExpectedProof = { ...known, origins: [ORIGIN, 'https://other.example'] };

const certificate = await certificateOf(key);
const stranger = await certificateOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));

function proofOf(changed: Partial<ProofStatement> = {}): Proof {
  const made = { ...statement, ...changed };
  return proofSchema.parse(toWire({ ...made, signature: sign('sha256', encodeProof(made), key.privateKey) }));
}

describe('the proof of a card', () => {
  it('survives its way over the wire and verifies', () => {
    expect(() => verifyProof(proofOf(), expected, certificate)).not.toThrow();
    expect(() => verifyProof(proofOf({ origin: 'https://other.example' }), expected, certificate)).not.toThrow();
  });

  it('is length-prefixed and begins with its own name, so that it is no other message', () => {
    const encoded = encodeProof(statement);
    expect(encoded.subarray(0, 18)).toEqual(Buffer.from('\0\0\0\x0ekaika/proof/v1'));
    const parts: Buffer[] = [];
    for (let at = 0; at < encoded.length; at += 4 + encoded.readUInt32BE(at)) {
      parts.push(encoded.subarray(at + 4, at + 4 + encoded.readUInt32BE(at)));
    }
    expect(parts).toHaveLength(10);
    expect(parts[2]).toEqual(createHash('sha256').update(ORIGIN).digest());
    expect(parts[9]).toEqual(createHash('sha256').update(statement.ephemeralKey).digest());
    expect(parts[5]).toHaveLength(16);
  });

  it.each([
    ['purpose', { purpose: 'unlock' }],
    ['origin', { origin: 'https://evil.example' }],
    ['origin', { origin: `${ORIGIN}.evil.example` }],
    ['nonce', { nonce: Buffer.alloc(32, 8) }],
    ['session', { session: 'session-2' }],
    ['cardUuid', { cardUuid: '6ba7b810-9dad-41d1-80b4-00c04fd430c9' }],
    ['cardNumber', { cardNumber: 'EC12345678901235' }],
    ['signatureCertificateSha256', { signatureCertificateSha256: sha256('9D') }],
    ['encryptionCertificateSha256', { encryptionCertificateSha256: sha256('9C') }],
  ] as const)('is refused with another %s, although the card signed it', (name, changed) => {
    expect(() => verifyProof(proofOf(changed), expected, certificate)).toThrow(`another ${name}`);
  });

  it.each(['origin', 'ephemeralKey'] as const)('is refused when %s was changed after the signature', (field) => {
    const other = { origin: 'https://other.example', ephemeralKey: spkiOf(key.publicKey) };
    const proof = { ...proofOf(), [field]: other[field] };
    expect(() => verifyProof(proof, expected, certificate)).toThrow('another signature');
  });

  it('is refused from another card, and with a broken signature', () => {
    expect(() => verifyProof(proofOf(), expected, stranger)).toThrow(expect.objectContaining({ code: 'proofRefused' }));
    const broken = { ...proofOf(), signature: Buffer.from('3006020100020100', 'hex') };
    expect(() => verifyProof(broken, expected, certificate)).toThrow('another signature');
  });

  it('is not read from text that is not exactly a proof', () => {
    const wire = toWire({ ...statement, signature: Buffer.alloc(70) });
    for (const wrong of [
      { ...wire, nonce: wire.nonce.slice(1) },
      { ...wire, nonce: `${wire.nonce.slice(1)}=` },
      { ...wire, purpose: 'anything' },
      { ...wire, more: 1 },
      { ...wire, cardUuid: 'no' },
      { ...wire, signature: undefined },
    ]) {
      expect(proofSchema.safeParse(wrong).success).toBe(false);
    }
  });
});

const SECOND = [
  { name: 'an activation', message: activatedMessage, check: verifyActivation },
  { name: 'a PIN reset', message: pinResetMessage, check: verifyPinReset },
  { name: 'an unlock', message: unlockedMessage, check: verifyUnlocked },
];

describe.each(SECOND)('the signature at the end of $name', ({ message, check }) => {
  const nonce = Buffer.alloc(32, 9);
  const proofSignature = Buffer.from('the signature of the proof');
  const signed = (octets: Buffer) => sign('sha256', octets, key.privateKey);
  const ended = {
    ...{ session: 'session-1', nonce, proofSignature },
    signature: signed(message('session-1', nonce, proofSignature)),
  };
  const refused = expect.objectContaining({ code: 'proofRefused' });

  it('verifies by the certificate of its slot', () => {
    expect(() => check(ended, certificate)).not.toThrow();
    expect(() => check(ended, stranger)).toThrow(refused);
  });

  it.each([
    { session: 'session-2' },
    { nonce: Buffer.alloc(32) },
    { proofSignature: Buffer.from('another') },
    { signature: Buffer.alloc(70) },
  ])('is refused for another %o', (changed) => {
    expect(() => check({ ...ended, ...changed }, certificate)).toThrow(refused);
  });

  it('can be no proof, and the end of nothing else', () => {
    const others = SECOND.filter((other) => other.message !== message);
    for (const other of [
      encodeProof(statement),
      ...others.map((each) => each.message('session-1', nonce, proofSignature)),
    ]) {
      expect(() => check({ ...ended, signature: signed(other) }, certificate)).toThrow(refused);
    }
  });
});

async function certificateOf({ publicKey }: ReturnType<typeof generateKeyPairSync>): Promise<Buffer> {
  const signer = new SoftwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const issuer = {
    nameDer: Buffer.from('300f310d300b06035504030c0474657374', 'hex'),
    ski: keyIdentifier(spkiOf(signer.publicKey)),
    notAfter: new Date('2031-01-01T00:00:00Z'),
    publicKey: signer.publicKey,
    urls: { crl: [] },
  };
  return signTbs(
    buildTbs(PROFILES.cardAuthentication, {
      ...{ serial: newSerial(), issuer, publicKey, subject: { CN: statement.cardNumber } },
      ...{ cardUuid: statement.cardUuid, notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: issuer.notAfter },
    }),
    signer,
  );
}
