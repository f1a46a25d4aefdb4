import { randomBytes, randomUUID } from 'node:crypto';
import { type DataSource, IsNull, MoreThan } from 'typeorm';
import type { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { NONCE_BYTES } from '#libs/piv';
import type { LockReport } from './unlock/lock-report.entity.js';
import type { PinReset } from './pin-reset/pin-reset.entity.js';
import type { UnlockSession } from './unlock/unlock-session.entity.js';

export const NONCE_SECONDS = 120;
/** What nobody went on with goes after this long. */
export const ABANDONED_SECONDS = 3_600;

type Session = PinReset | UnlockSession | LockReport;

/** Of a new session, whose card may be unknown. */
export function newNonce(clock: Clock): { id: string; nonce: Buffer; expiresAt: Date } {
  const expiresAt = new Date(clock.nowMs() + NONCE_SECONDS * 1_000);
  return { id: randomUUID(), nonce: randomBytes(NONCE_BYTES), expiresAt };
}

/**
 * Whatever comes of it, a nonce serves one attempt: of a hundred equal requests one goes on.
 *
 * @throws CaError notFound | sessionExpired
 */
export async function useNonce<T extends Session>(
  { manager }: DataSource,
  kind: new () => T,
  { id, now }: { id: string; now: Date },
): Promise<T> {
  const session = await manager.findOneBy<Session>(kind, { id });
  if (!session) throw new CaError('notFound', 'no such session');
  const fresh = { id, nonceUsedAt: IsNull(), expiresAt: MoreThan(now) };
  const { affected } = await manager.update<Session>(kind, fresh, { nonceUsedAt: now });
  if (affected !== 1) throw new CaError('sessionExpired', 'the nonce was used or is too old; start again');
  return session as T;
}
