import { createPublicKey, type KeyObject } from 'node:crypto';
import { CompactEncrypt, SignJWT, calculateJwkThumbprint, compactDecrypt, exportJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import { CaError } from '#libs/errors';

export const CARD_JOB_AUDIENCE = 'kaika-card-agent';
export const CARD_JOB_SECONDS = 60;
const TYPE = 'kaika-card-job+jwt';

const secret = z.string().regex(/^[0-9]{8}$/);
/** Tried in this order: after a rotation whose end nobody saw, the card holds one of two. */
const puks = z.array(secret).min(1).max(2);

const doing = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('set-pin'),
    transportPin: secret,
    /** True when an earlier job of this card may have been used: its PIN is then the transport PIN or the holder's. */
    earlierJob: z.boolean(),
  }),
  /** The one-use PIN lives on the card for a moment, until the holder's takes its place. */
  z.strictObject({ kind: z.literal('reset-pin'), puks, oneUsePin: secret, nextPuk: secret }),
  z.strictObject({ kind: z.literal('unlock'), puks, transportPin: secret, nextPuk: secret }),
]);

/**
 * What the centre has an agent do with one card (CARDS.md §3). When the PUK that served is `nextPuk` already, it is not
 * changed again.
 */
export type CardJob = { cardNumber: string; session: string } & z.output<typeof doing>;
export type CardJobKind = CardJob['kind'];
export type CardJobOf<K extends CardJobKind> = Extract<CardJob, { kind: K }>;

export interface CardJobSigner {
  /** Ed25519 */
  signingKey: KeyObject;
  /** The agent's public key that the proof carried: P-256, DER SubjectPublicKeyInfo */
  agentKey: Uint8Array;
  now: Date;
  /** Of this one job: the server keeps one live job a card */
  jobId: string;
}

const claimsSchema = z.object({
  sub: z.string(),
  session: z.string(),
  jti: z.string(),
  exp: z.number(),
  cnf: z.object({ jkt: z.string() }),
  job: doing,
});

/**
 * Makes a job: signed (JWS, EdDSA), then encrypted to the agent's key (JWE, ECDH-ES with A256GCM): a nested JWT
 * (RFC 7519 §5.2). The signature names the agent's key too (`cnf.jkt`, RFC 7800), so that nobody who opened a job can
 * pass it on under another key.
 */
export async function makeCardJob(
  { cardNumber, session, ...job }: CardJob,
  { signingKey, agentKey, now, jobId }: CardJobSigner,
): Promise<string> {
  const key = createPublicKey({ key: Buffer.from(agentKey), format: 'der', type: 'spki' });
  const issuedAt = Math.floor(now.getTime() / 1000);
  const signed = await new SignJWT({ session, job, cnf: { jkt: await thumbprint(key) } })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE })
    .setAudience(CARD_JOB_AUDIENCE)
    .setSubject(cardNumber)
    .setJti(jobId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + CARD_JOB_SECONDS)
    .sign(signingKey);
  return new CompactEncrypt(Buffer.from(signed))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(key);
}

export interface CardJobOpener {
  /** The centre's, Ed25519 */
  verificationKey: KeyObject;
  /** The agent's own, for this session */
  ephemeralKey: KeyObject;
  cardNumber: string;
  session: string;
  now: Date;
}

/**
 * Not done here: that a job is opened once (`jobId`).
 *
 * @throws CaError jobRefused for a job that is not the centre's, not for this agent, card or session, or too old. The
 *                 detail does not say which: the text of a job came from a page.
 */
export async function openCardJob(text: string, opener: CardJobOpener): Promise<CardJob & { jobId: string }> {
  try {
    const { plaintext } = await compactDecrypt(text, opener.ephemeralKey, {
      keyManagementAlgorithms: ['ECDH-ES'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    const { payload } = await jwtVerify(plaintext, opener.verificationKey, {
      algorithms: ['EdDSA'],
      typ: TYPE,
      audience: CARD_JOB_AUDIENCE,
      subject: opener.cardNumber,
      maxTokenAge: CARD_JOB_SECONDS,
      currentDate: opener.now,
    });
    const { sub, session, jti, cnf, job } = claimsSchema.parse(payload);
    const forThisKey = cnf.jkt === (await thumbprint(createPublicKey(opener.ephemeralKey)));
    if (session !== opener.session || !forThisKey) throw new Error('made for another session or key');
    return { cardNumber: sub, session, ...job, jobId: jti };
  } catch {
    // The cause is dropped on purpose: a schema error could quote a PIN.
    throw new CaError('jobRefused', 'this job is not for this card, session and agent, or it is too old');
  }
}

const thumbprint = async (key: KeyObject) => calculateJwkThumbprint(await exportJWK(key));
