import { z } from 'zod';
import { NONCE_BYTES, PROOF_PURPOSES, proofSchema } from '#libs/piv';
import { PIN_STATES } from './pin-session.js';

/** States a page can show and the agent can tell; the rest (agent-missing, permission-denied …) the page sees itself. */
export const AGENT_STATES = [
  'pcsc-missing',
  'no-reader',
  'no-card',
  'unknown-card',
  'busy',
  'removed',
  'locked',
  'ready',
] as const;
export type AgentState = (typeof AGENT_STATES)[number];

const time = z.date().meta({ type: 'string', format: 'date-time' });
const certificate = z.object({ serial: z.string(), notBefore: time, notAfter: time });
const session = z.string().min(1).max(100);
const nonce = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, `is not ${NONCE_BYTES} octets in base64url`)
  .transform((text) => Buffer.from(text, 'base64url'));

export const statusSchema = z.object({ version: z.string(), state: z.enum(AGENT_STATES) });

export const cardSchema = z.object({
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

export const proofRequest = z.object({ session, nonce, purpose: z.enum(PROOF_PURPOSES) });
/** As it travels: `proofSchema` of libs/piv is what a server reads it with. */
export const proofAnswer = z.object(
  Object.fromEntries(Object.keys(proofSchema.shape).map((name) => [name, z.string()])),
);

export const pinSessionRequest = z.object({ session, nonce, job: z.string().min(1).max(4_096) });
export const pinSessionAnswer = z.object({ id: z.string(), url: z.string() });
export const pinSessionParams = z.object({ id: z.string().max(100) });
export const pinSessionState = z.object({
  state: z.enum(PIN_STATES),
  /** Of 9C over the activation, base64url; when done */
  signature: z.string().optional(),
  pinTries: z.number().optional(),
  /** 27011 when the card is locked */
  legacyCode: z.string().optional(),
});

export const readerRequest = z.object({
  cardNumber: z.string().nullable(),
  /** Fault: the card leaves the reader after a CHANGE REFERENCE DATA was done and before its answer */
  pullAtPinChange: z.boolean().optional(),
});
export const readerAnswer = z.object({ cardNumber: z.string().nullable() });
