import { createHash, verify, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { CaError } from '#libs/errors';
import { uuidBytes } from './objects.js';

/** What a card may be asked to prove its presence for. */
export const PROOF_PURPOSES = ['accept', 'resume-session', 'pin-reset', 'unlock', 'user-code-reset'] as const;
export type ProofPurpose = (typeof PROOF_PURPOSES)[number];

/** What the 9E key signs; DOMAIN of a proof is in its first element, so it can never be taken for another message. */
export interface ProofStatement {
  purpose: ProofPurpose;
  /** The page's origin, as the agent saw it: `https://ca.example` */
  origin: string;
  /** 32 octets of the server, for one use */
  nonce: Uint8Array;
  session: string;
  cardUuid: string;
  cardNumber: string;
  /** SHA-256 of the DER certificates of slots 9C and 9D: 32 octets each */
  signatureCertificateSha256: Uint8Array;
  encryptionCertificateSha256: Uint8Array;
  /** The agent's public key for this session: P-256, DER SubjectPublicKeyInfo */
  ephemeralKey: Uint8Array;
}

const bytes = (least: number, most = least) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]*$/, 'is not base64url')
    .transform((text) => Buffer.from(text, 'base64url'))
    .refine(({ length }) => length >= least && length <= most, `is not ${least} to ${most} octets long`);

export const NONCE_BYTES = 32;

/** A proof as it travels: octets in base64url, which parsing turns into Buffers. */
export const proofSchema = z.strictObject({
  purpose: z.enum(PROOF_PURPOSES),
  origin: z.string().max(255),
  nonce: bytes(NONCE_BYTES),
  session: z.string().min(1).max(100),
  cardUuid: z.guid().toLowerCase(),
  cardNumber: z.string().min(1).max(16),
  signatureCertificateSha256: bytes(32),
  encryptionCertificateSha256: bytes(32),
  ephemeralKey: bytes(50, 150),
  signature: bytes(8, 80),
});
/** As it travels. */
export type WireProof = z.input<typeof proofSchema>;
/** As it is worked with. */
export type Proof = z.output<typeof proofSchema>;

export function toWire(proof: ProofStatement & { signature: Uint8Array }): WireProof {
  const { purpose, origin, session, cardUuid, cardNumber } = proof;
  return {
    ...{ purpose, origin, session, cardUuid, cardNumber },
    nonce: base64url(proof.nonce),
    signatureCertificateSha256: base64url(proof.signatureCertificateSha256),
    encryptionCertificateSha256: base64url(proof.encryptionCertificateSha256),
    ephemeralKey: base64url(proof.ephemeralKey),
    signature: base64url(proof.signature),
  };
}

/** The octets that 9E signs with ECDSA and SHA-256. */
export function encodeProof(proof: ProofStatement): Buffer {
  return lengthPrefixed([
    'kaika/proof/v1',
    proof.purpose,
    sha256(proof.origin),
    proof.nonce,
    proof.session,
    uuidBytes(proof.cardUuid),
    proof.cardNumber,
    proof.signatureCertificateSha256,
    proof.encryptionCertificateSha256,
    sha256(proof.ephemeralKey),
  ]);
}

/** What the server holds against a proof: its own knowledge of the session and of the card it issued. */
export type ExpectedProof = Omit<ProofStatement, 'origin' | 'ephemeralKey'> & { origins: readonly string[] };

/**
 * Checks every element against what the server knows, then the signature by the 9E certificate that the server stored
 * at issue (never one the card sent).
 *
 * Not done here: that the nonce is fresh and used once.
 *
 * @throws CaError proofRefused; the detail names the element
 */
export function verifyProof(proof: Proof, expected: ExpectedProof, nineECertificate: Uint8Array): void {
  const refuse = (what: string) => new CaError('proofRefused', `the card’s proof has another ${what}`);
  if (!expected.origins.includes(proof.origin)) throw refuse('origin');
  if (proof.cardUuid.toLowerCase() !== expected.cardUuid.toLowerCase()) throw refuse('cardUuid');
  for (const text of ['purpose', 'session', 'cardNumber'] as const) {
    if (proof[text] !== expected[text]) throw refuse(text);
  }
  for (const octets of ['nonce', 'signatureCertificateSha256', 'encryptionCertificateSha256'] as const) {
    if (!proof[octets].equals(expected[octets])) throw refuse(octets);
  }
  if (!signatureFits(encodeProof(proof), nineECertificate, proof.signature)) throw refuse('signature');
}

/** The octets that 9C signs when the holder has set a PIN: the second signature of an activation. */
export const activatedMessage = secondMessage('kaika/activated/v1');
/** … when the holder has set a PIN in the place of a forgotten or blocked one, and the PUK was rotated. */
export const pinResetMessage = secondMessage('kaika/pin-reset/v1');
/** The octets that 9E signs at the centre when the card took the next transport PIN, and the PUK was rotated. */
export const unlockedMessage = secondMessage('kaika/unlocked/v1');

/** What a card signs at the end of a job, and what is known of it. */
export interface SecondSignature {
  session: string;
  /** Of the server, given with the job: 32 octets */
  nonce: Uint8Array;
  /** The signature of the proof that the job answered */
  proofSignature: Uint8Array;
  /** PKCS#1 v1.5 or ECDSA (DER), with SHA-256 */
  signature: Uint8Array;
}

/** By 9C. @throws CaError proofRefused */
export const verifyActivation = verifier('9C', activatedMessage);
/** By 9C. @throws CaError proofRefused */
export const verifyPinReset = verifier('9C', pinResetMessage);
/** By 9E. @throws CaError proofRefused */
export const verifyUnlocked = verifier('9E', unlockedMessage);

function secondMessage(domain: string) {
  return (session: string, nonce: Uint8Array, proofSignature: Uint8Array): Buffer =>
    lengthPrefixed([domain, session, nonce, sha256(proofSignature)]);
}

function verifier(slot: '9C' | '9E', message: ReturnType<typeof secondMessage>) {
  return ({ session, nonce, proofSignature, signature }: SecondSignature, certificate: Uint8Array): void => {
    if (!signatureFits(message(session, nonce, proofSignature), certificate, signature)) {
      throw new CaError('proofRefused', `the signature of the card’s ${slot} key does not verify`);
    }
  };
}

export const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest();

/** Each element after its length in four octets, so that no two lists of elements give the same octets. */
export function lengthPrefixed(elements: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    elements.flatMap((element) => {
      const octets = Buffer.from(element as Uint8Array);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(octets.length);
      return [length, octets];
    }),
  );
}

function signatureFits(message: Buffer, certificate: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', message, new X509Certificate(certificate).publicKey, signature);
}

const base64url = (octets: Uint8Array) => Buffer.from(octets).toString('base64url');
