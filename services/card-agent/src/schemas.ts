import { z } from 'zod';
import { NONCE_BYTES, PROOF_PURPOSES, proofSchema } from '#libs/piv';
import { AGENT_STATES } from './agent-state.js';
import { PIN_KINDS, PIN_STATES } from './pin/pin-session.js';
import { READER_STATES } from './readers/card-gates.js';

const time = z.date().meta({ type: 'string', format: 'date-time' });
const certificate = z.object({ serial: z.string(), notBefore: time, notAfter: time });
const session = z.string().min(1).max(100);
const nonce = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, `is not ${NONCE_BYTES} octets in base64url`)
  .transform((text) => Buffer.from(text, 'base64url'));
const version = z.string().regex(/^\d{1,5}\.\d{1,5}\.\d{1,5}$/, 'is not major.minor.patch');
/** As `status` names it; without it, the one that holds a card */
const reader = z.string().min(1).max(200).optional();
const text = z.object({ zh: z.string(), en: z.string() });

export const statusQuery = z.object({ minimumVersion: version.optional() });
export const statusSchema = z.object({
  version: z.string(),
  state: z.enum(AGENT_STATES),
  /** Left out while there is nobody to ask */
  readers: z.array(z.object({ name: z.string(), state: z.enum(READER_STATES) })).optional(),
  /** What to do about the state, for the holder */
  hint: text.optional(),
});

export const whichReader = z.object({ reader }).default({});
export const cardSchema = z.object({
  reader: z.string(),
  cardNumber: z.string(),
  cardUuid: z.string(),
  name: z.string(),
  branch: z.string().optional(),
  ubn: z.string().optional(),
  email: z.string().optional(),
  signature: certificate,
  encryption: certificate,
  /** 0: blocked (27011) */
  pinTries: z.number().nullable(),
});

export const proofRequest = z.object({
  session,
  nonce,
  purpose: z.enum(PROOF_PURPOSES),
  reader,
  /** What the page has read: with another card in the reader nothing is signed */
  cardNumber: z.string().max(16).optional(),
});
/** As it travels: `proofSchema` of libs/piv is what a server reads it with. */
export const proofAnswer = z.object(
  Object.fromEntries(Object.keys(proofSchema.shape).map((name) => [name, z.string()])),
);

export const jobRequest = z.object({ session, nonce, job: z.string().min(1).max(4_096) });
export const unlockAnswer = z.object({
  state: z.enum(['done', 'refused', 'send-in']),
  /** Of 9E over `kaika/unlocked/v1`, base64url; when done */
  signature: z.string().optional(),
});

export const pageAnswer = z.object({ id: z.string(), url: z.string() });
export const pageParams = z.object({ id: z.string().max(100) });
export const signatureRequest = z.object({ nonce, reader });
export const pinSessionState = z.object({
  kind: z.enum(PIN_KINDS),
  state: z.enum(PIN_STATES),
  /** Of 9C, base64url; when done, for kinds that sign */
  signature: z.string().optional(),
  /** Of 9C, DER in base64url; beside a signature over a page's nonce */
  certificate: z.string().optional(),
  pinTries: z.number().optional(),
  /** 27011 when the card is locked and was not activated */
  legacyCode: z.string().optional(),
});

export const pairingCode = z.object({ code: z.string().max(20) });
export const pairingToken = z.object({ token: z.string(), idleSeconds: z.number() });

export const selfCheckAnswer = z.object({
  items: z.array(
    z.object({
      number: z.number(),
      result: z.enum(['pass', 'fail', 'skipped', 'on-the-agents-page']),
      title: text,
      hint: text.optional(),
    }),
  ),
});

export const readerRequest = z.object({
  cardNumber: z.string().nullable(),
  /** Fault: the card leaves the reader after a CHANGE REFERENCE DATA was done and before its answer */
  pullAtPinChange: z.boolean().optional(),
});
export const readerAnswer = z.object({ cardNumber: z.string().nullable() });
