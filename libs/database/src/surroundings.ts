/** Connections, resources and time-outs of the operating system and of fetch (undici). */
const SYSTEM = /^(E(CONN\w+|PIPE|TIMEDOUT|NOTFOUND|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN|ADDRNOTAVAIL|AI_AGAIN|MFILE|NFILE|NOSPC|IO|DQUOT)|UND_ERR_\w+)$/; // prettier-ignore

/** Connection (08), rollback (40), resources (53), operator (57), system (58), lock and idle time-outs. */
const SQLSTATE = /^(08|40|53|57|58)[0-9A-Z]{3}$|^(55P03|25P0[34])$/;

/** What pg and its pool say without a code. */
const MESSAGES = /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|timeout exceeded when trying to connect|Query read timeout|Cannot use a pool after calling end|Connection with .* is not established|Driver not Connected|fetch failed)/i; // prettier-ignore

/** TypeORM takes a transaction's connection back when that breaks between two statements, and names the next one so. */
const RELEASED = ['QueryRunnerAlreadyReleasedError', 'QueryRunnerProviderAlreadyReleasedError'];

const NAMES = new Set(['TimeoutError', 'BulkheadFull', 'PeerUnreachable', ...RELEASED]);

/**
 * True for errors of the surroundings, which pass if one waits (a database or peer that is down, a time-out, a
 * serialisation failure, a full disk), false for those of the event or the code. Looks through causes; an error with a
 * `status` of 500 or more that isn't ours to have made is a peer's.
 */
export function isSurroundingsError(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 8) return false;
  const e = error as { code?: unknown; name?: unknown; message?: unknown; status?: unknown; cause?: unknown; driverError?: unknown; errors?: unknown }; // prettier-ignore
  const code = typeof e.code === 'string' ? e.code : '';
  if (SYSTEM.test(code) || SQLSTATE.test(code) || NAMES.has(String(e.name))) return true;
  if (typeof e.message === 'string' && MESSAGES.test(e.message)) return true;
  if (typeof e.status === 'number' && (e.status >= 500 || e.status === 429)) return true;
  if (Array.isArray(e.errors) && e.errors.some((inner) => isSurroundingsError(inner, depth + 1))) return true;
  return isSurroundingsError(e.cause, depth + 1) || isSurroundingsError(e.driverError, depth + 1);
}
