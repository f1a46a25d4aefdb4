import type { Adapter, AdapterPayload } from 'oidc-provider';
import { systemClock } from '#libs/clock';

const MOST = 5_000;
const clock = systemClock();

interface Entry {
  payload: AdapterPayload;
  endsAtMs: number;
}

/**
 * Sessions, codes and grants of the embedded identity provider, in memory: after a restart everybody signs in again.
 * Real time, as tokens have it. The oldest give way when there are too many.
 *
 * @returns what oidc-provider makes one store a kind of
 */
export function keptInMemory(): (kind: string) => Adapter {
  const entries = new Map<string, Entry>();
  const take = (key: string) => {
    const entry = entries.get(key);
    if (!entry || entry.endsAtMs > clock.nowMs()) return entry?.payload;
    entries.delete(key);
    return undefined;
  };
  return (kind) => {
    const keyOf = (id: string) => `${kind}:${id}`;
    const findBy = (member: 'uid' | 'userCode', value: string) => {
      for (const key of entries.keys()) {
        if (key.startsWith(`${kind}:`) && entries.get(key)!.payload[member] === value) return take(key);
      }
      return undefined;
    };
    return {
      async upsert(id, payload, expiresInSeconds) {
        if (entries.size >= MOST) entries.delete(entries.keys().next().value!);
        entries.delete(keyOf(id));
        entries.set(keyOf(id), { payload, endsAtMs: clock.nowMs() + (expiresInSeconds ?? 3_600) * 1000 });
      },
      find: async (id) => take(keyOf(id)),
      findByUid: async (uid) => findBy('uid', uid),
      findByUserCode: async (userCode) => findBy('userCode', userCode),
      async consume(id) {
        const payload = take(keyOf(id));
        if (payload) payload.consumed = Math.floor(clock.nowMs() / 1000);
      },
      async destroy(id) {
        entries.delete(keyOf(id));
      },
      async revokeByGrantId(grantId) {
        for (const [key, { payload }] of entries) if (payload.grantId === grantId) entries.delete(key);
      },
    };
  };
}
