import { randomBytes, randomUUID } from 'node:crypto';
import { type DataSource, IsNull, MoreThan } from 'typeorm';
import type { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { NONCE_BYTES } from '#libs/piv';

export const NONCE_SECONDS = 120;
const ABANDONED_SECONDS = 3_600;
/** Dropped by whoever begins the next session: more than one, so that they never grow in number. */
const DROPPED_AT_ONCE = 10;

/** What all sessions with a card begin with. */
export interface NonceSession {
  id: string;
  cardNumber: string;
  /** What the card signs with 9E: 32 octets, for one use before `expiresAt`. */
  nonce: Buffer;
  expiresAt: Date;
  nonceUsedAt: Date | null;
}

type Kind<T> = new () => T;

/** Of a new session, whose card may be unknown. */
export function newNonce(clock: Clock): Pick<NonceSession, 'id' | 'nonce' | 'expiresAt'> {
  const expiresAt = new Date(clock.nowMs() + NONCE_SECONDS * 1_000);
  return { id: randomUUID(), nonce: randomBytes(NONCE_BYTES), expiresAt };
}

/**
 * Anybody may begin a session, for any number: what nobody went on with goes an hour later.
 *
 * @param until columns that have a value once somebody went on with it
 */
export async function forgetAbandoned<T extends NonceSession>(
  source: DataSource,
  kind: Kind<T>,
  { until, now }: { until: readonly (keyof T & string)[]; now: Date },
): Promise<void> {
  const metadata = source.getMetadata(kind);
  const untouched = until.map((name) => `${metadata.findColumnWithPropertyName(name)!.databaseName} is null and`);
  const table = metadata.tableName;
  await source.query(
    `delete from ${table} where id in (select id from ${table} where ${untouched.join(' ')} expires_at < $1
       order by expires_at limit ${DROPPED_AT_ONCE} for update skip locked)`,
    [new Date(now.getTime() - ABANDONED_SECONDS * 1_000)],
  );
}

/** @throws CaError notFound */
export async function findSession<T extends NonceSession>(
  { manager }: DataSource,
  kind: Kind<T>,
  id: string,
): Promise<T> {
  const session = await manager.findOneBy<NonceSession>(kind, { id });
  if (!session) throw new CaError('notFound', 'no such session');
  return session as T;
}

/**
 * Whatever comes of it, a nonce serves one attempt: of a hundred equal requests one goes on.
 *
 * @throws CaError notFound | sessionExpired
 */
export async function useNonce<T extends NonceSession>(
  source: DataSource,
  kind: Kind<T>,
  { id, now }: { id: string; now: Date },
): Promise<T> {
  const session = await findSession(source, kind, id);
  const fresh = { id, nonceUsedAt: IsNull(), expiresAt: MoreThan(now) };
  const { affected } = await source.manager.update<NonceSession>(kind, fresh, { nonceUsedAt: now });
  if (affected !== 1) throw new CaError('sessionExpired', 'the nonce was used or is too old; start again');
  return session;
}
