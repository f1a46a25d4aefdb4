import { createPublicKey, type KeyObject } from 'node:crypto';
import { CompactEncrypt, SignJWT, calculateJwkThumbprint, compactDecrypt, exportJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import { CaError } from '#libs/errors';

export const PIN_JOB_AUDIENCE = 'kaika-card-agent';
export const PIN_JOB_SECONDS = 60;

export interface PinJob {
  cardNumber: string;
  session: string;
  transportPin: string;
  /** True when an earlier job of this card may have been used: its PIN is then the transport PIN or the holder's. */
  earlierJob: boolean;
}

export interface PinJobSigner {
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
  transportPin: z.string().regex(/^[0-9]{8}$/),
  earlierJob: z.boolean(),
});

/**
 * The job that lets an agent replace the transport PIN: signed (JWS, EdDSA), then encrypted to the agent's key
 * (JWE, ECDH-ES with A256GCM): a nested JWT (RFC 7519 §5.2). The signature names the agent's key too (`cnf.jkt`,
 * RFC 7800), so that nobody who opened a job can pass it on under another key.
 */
export async function makePinJob(job: PinJob, { signingKey, agentKey, now, jobId }: PinJobSigner): Promise<string> {
  const key = createPublicKey({ key: Buffer.from(agentKey), format: 'der', type: 'spki' });
  const issuedAt = Math.floor(now.getTime() / 1000);
  const { session, transportPin, earlierJob } = job;
  const signed = await new SignJWT({ session, transportPin, earlierJob, cnf: { jkt: await thumbprint(key) } })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'kaika-pin-job+jwt' })
    .setAudience(PIN_JOB_AUDIENCE)
    .setSubject(job.cardNumber)
    .setJti(jobId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + PIN_JOB_SECONDS)
    .sign(signingKey);
  return new CompactEncrypt(Buffer.from(signed))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(key);
}

export interface PinJobOpener {
  /** The centre's, Ed25519 */
  verificationKey: KeyObject;
  /** The agent's own, for this session */
  ephemeralKey: KeyObject;
  cardNumber: string;
  session: string;
  now: Date;
}

/**
 * @throws CaError jobRefused for a job that is not the centre's, not for this agent, card or session, or too old. The
 *                 detail does not say which: the text of a job came from a page.
 */
export async function openPinJob(job: string, opener: PinJobOpener): Promise<PinJob & { jobId: string }> {
  try {
    const { plaintext } = await compactDecrypt(job, opener.ephemeralKey, {
      keyManagementAlgorithms: ['ECDH-ES'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    const { payload } = await jwtVerify(plaintext, opener.verificationKey, {
      algorithms: ['EdDSA'],
      typ: 'kaika-pin-job+jwt',
      audience: PIN_JOB_AUDIENCE,
      subject: opener.cardNumber,
      maxTokenAge: PIN_JOB_SECONDS,
      currentDate: opener.now,
    });
    const { sub, session, jti, cnf, transportPin, earlierJob } = claimsSchema.parse(payload);
    const forThisKey = cnf.jkt === (await thumbprint(createPublicKey(opener.ephemeralKey)));
    if (session !== opener.session || !forThisKey) throw new Error('made for another session or key');
    return { cardNumber: sub, session, transportPin, earlierJob, jobId: jti };
  } catch {
    // The cause is dropped on purpose: a schema error could quote the PIN.
    throw new CaError('jobRefused', 'this job is not for this card, session and agent, or it is too old');
  }
}

const thumbprint = async (key: KeyObject) => calculateJwkThumbprint(await exportJWK(key));
