import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { CaError } from '#libs/errors';
import { statusRow } from './status-row.js';
import { cardNumber, serialPair, ski, utc } from './fields.js';

/** One topic a subject, one producer each but for credentials (DESIGN.md §3). */
export const TOPICS = {
  issuance: 'kaika.issuance.v1',
  acceptance: 'kaika.acceptance.v1',
  status: 'kaika.status.v1',
  credential: 'kaika.credential.v1',
  crl: 'kaika.crl.v1',
} as const;
export type Topic = (typeof TOPICS)[keyof typeof TOPICS];

/** The one key of all watermarks, so that they keep their order. */
export const WATERMARK_KEY = 'log';

/** DER in base64: what is public once the card is accepted, and never a key. */
const der = z.base64();

const certificateIssued = z.object({
  cardNumber,
  cardUuid: z.uuid(),
  /** A: self-application, activated by user code. B: combined application, activated by the representative's ID. */
  way: z.enum(['A', 'B']),
  serials: serialPair,
  issuerSki: ski,
  /** `O=…,OU=…` in RFC 4514 form, for people. */
  subject: z.string(),
  name: z.string(),
  /** 統一編號, eight digits. */
  ubn: z.string(),
  /** The certificate's own e-mail address, not the contact's. */
  email: z.string().optional(),
  rank: z.enum(['primary', 'secondary']),
  notBefore: utc,
  notAfter: utc,
  /** CRL partition, fixed at issue; absent while partitions are off. */
  partition: z.number().int().optional(),
  certificates: z.object({ signature: der, encryption: der, cardAuthentication: der }),
});

const credentialSet = z.object({
  cardNumber,
  /**
   * What the verifier is of: the user code, for the services that check it; or, of a combined application's card (way
   * B), the responsible person's national ID and birth date (`representativeText`), for `acceptance` alone.
   */
  kind: z.enum(['user-code', 'representative']).default('user-code'),
  /** A consumer keeps the highest generation it has seen of each kind. */
  generation: z.number().int().positive(),
  /** General JWE for the services that check this kind; its payload is `{ verifier }`. */
  jwe: z.record(z.string(), z.unknown()),
});

const crlPublished = z.object({
  issuerSki: ski,
  /** Decimal digits: a CRL number has up to 20 octets (RFC 5280 §5.2.3). */
  number: z.string().regex(/^\d+$/),
  kind: z.enum(['first', 'scheduled', 'emergency']),
  cut: utc,
  /** The list holds what the rows below this one say. */
  markerSeq: z.number().int().nonnegative(),
  thisUpdate: utc,
  nextUpdate: utc,
  entryCount: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * No row of the log: it says how far the log goes. No row above `seq` has a time of `time` or before, so who has applied
 * every row up to `seq` knows every status as of `time`.
 */
const statusWatermark = z.object({ epoch: z.uuid(), seq: z.number().int().nonnegative(), time: utc });

/** No row of the log: a card that is not accepted by `dueAt` meets its deadline. */
const acceptanceDue = z.object({ cardNumber, dueAt: utc, daysLeft: z.number().int().positive() });

/** Something an operator has to look at, or no longer; `detail` says what it means and holds nothing secret. */
const alarm = z.object({ alarm: z.string(), service: z.string(), detail: z.string(), at: utc });

/** What only the recipients of `jwe` can read: its payload is `SEALED_PAYLOADS[type]`, its context `sealedContext`. */
const sealed = z.object({ cardNumber, jwe: z.record(z.string(), z.unknown()) });

const generation = z.number().int().positive();

const application = z.object({ caseNumber: z.string() });

/** Every event there is: its topic and its data. Facts, in the past tense. */
export const EVENTS = {
  'application.received': { topic: TOPICS.issuance, data: application },
  'application.approved': { topic: TOPICS.issuance, data: application.extend({ cardNumber }) },
  'application.returned': { topic: TOPICS.issuance, data: application },
  'application.rejected': { topic: TOPICS.issuance, data: application },
  'certificate.issued': { topic: TOPICS.issuance, data: certificateIssued },
  'card.dispatched': { topic: TOPICS.issuance, data: z.object({ cardNumber, at: utc }) },
  /** A card that was sent in is defective: two officers decided it in that case, and suspension revokes it. */
  'card.defective': {
    topic: TOPICS.issuance,
    data: z.object({ cardNumber, caseNumber: z.string(), at: utc }),
  },

  'card.activated': { topic: TOPICS.acceptance, data: z.object({ cardNumber, activation: z.uuid(), at: utc }) },

  /** Its agent found it blocked (27011), and it proved that it was there; what the agent found is its word alone. */
  'card.locked': { topic: TOPICS.acceptance, data: z.object({ cardNumber, at: utc }) },
  /** At the centre: it has the transport PIN and the PUK of these generations, and its holder has to set a PIN. */
  'card.unlocked': {
    topic: TOPICS.acceptance,
    data: z.object({ cardNumber, transportGeneration: generation, pukGeneration: generation, at: utc }),
  },

  /** The contact's e-mail address was given at activation; sealed for issuance. */
  'contact.changed': { topic: TOPICS.acceptance, data: sealed },
  /** 資料不正確: the holder says that the certificates are wrong, and did not accept them; sealed for issuance. */
  'certificate.refused': { topic: TOPICS.acceptance, data: sealed.extend({ activation: z.uuid() }) },
  /** A code to be sent to the contact's e-mail address now, or never after `expiresAt`; sealed for issuance. */
  'one-time-code.requested': {
    topic: TOPICS.acceptance,
    data: sealed.extend({ request: z.uuid(), purpose: z.enum(['user-code-reset', 'pin-reset']), expiresAt: utc }),
  },

  'certificate.accepted': { topic: TOPICS.status, data: statusRow },
  'certificate.suspended': { topic: TOPICS.status, data: statusRow },
  'certificate.resumed': { topic: TOPICS.status, data: statusRow },
  'certificate.revoked': { topic: TOPICS.status, data: statusRow },
  'status.cut': { topic: TOPICS.status, data: statusRow },
  'status.watermark': { topic: TOPICS.status, data: statusWatermark },
  'card.acceptance-due': { topic: TOPICS.status, data: acceptanceDue },

  'credential.set': { topic: TOPICS.credential, data: credentialSet },

  'crl.published': { topic: TOPICS.crl, data: crlPublished },
  'alarm.raised': { topic: TOPICS.crl, data: alarm },
  'alarm.cleared': { topic: TOPICS.crl, data: alarm },
} as const satisfies Record<string, { topic: Topic; data: z.ZodType }>;

export type EventType = keyof typeof EVENTS;
export type EventData<T extends EventType> = z.output<(typeof EVENTS)[T]['data']>;

/**
 * CloudEvents 1.0, structured JSON. `subject` is the record's key: the card number, the issuer's SKI for lists, the cut of
 * a marker, the name of an alarm, or `log` for watermarks.
 */
export interface EventOf<T extends EventType> {
  specversion: '1.0';
  id: string;
  source: string;
  type: T;
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  /** W3C Trace Context of the work that caused it (CloudEvents' distributed tracing extension). */
  traceparent?: string | undefined;
  data: EventData<T>;
}
export type KaikaEvent = { [T in EventType]: EventOf<T> }[EventType];

const envelope = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(200),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string().min(1),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  traceparent: z.string().max(200).optional().catch(undefined),
  data: z.unknown(),
});

/** What a record of this type must be, envelope and data. */
export function eventSchema(type: EventType) {
  return envelope.extend({ type: z.literal(type), data: EVENTS[type].data as z.ZodType });
}

export function topicOf(type: EventType): Topic {
  return EVENTS[type].topic;
}

export function newEvent<T extends EventType>(
  type: T,
  subject: string,
  data: EventData<T>,
  { source, now }: { source: string; now: Date },
): EventOf<T> {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: `/kaika/${source}`,
    type,
    subject,
    time: now.toISOString(),
    datacontenttype: 'application/json',
    data,
  };
}

/**
 * Reads one record's value. Unknown fields are dropped (kept in status rows, whose hash covers them).
 *
 * @returns undefined for a type this version does not know, which is not an error (DESIGN.md §3)
 * @throws CaError eventMalformed
 */
export function parseEvent(json: string): KaikaEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new CaError('eventMalformed', 'the event is not JSON');
  }
  const head = envelope.safeParse(value);
  if (!head.success) throw malformed('envelope', head.error);
  const { type } = head.data;
  if (!Object.hasOwn(EVENTS, type)) return undefined;
  const data = EVENTS[type as EventType].data.safeParse(head.data.data);
  if (!data.success) throw malformed(type, data.error);
  return { ...head.data, data: data.data } as KaikaEvent;
}

/** Names the fields that are wrong and never their values. */
function malformed(what: string, error: z.ZodError): CaError {
  const fields = [...new Set(error.issues.map((issue) => issue.path.join('.') || '(whole)'))];
  return new CaError('eventMalformed', `${what}: ${fields.join(', ')}`);
}
