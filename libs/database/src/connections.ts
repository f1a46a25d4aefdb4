/**
 * Connections a service's process opens with its application role at most: TypeORM's pool, the relay's own (its lock is
 * the session's), and one each, for a moment, for `/readyz` and the watchdog of consuming.
 */
export const POOL_CONNECTIONS = 10;
export const PROCESS_CONNECTIONS = POOL_CONNECTIONS + 3;

/** Processes of one service at a time: two, and a third while one takes the place of another. */
const PROCESSES = 3;

/** Limit of a service's application role over all its processes; one is left for whoever looks what is wrong. */
export const APP_CONNECTIONS = PROCESSES * PROCESS_CONNECTIONS + 1;

/** Limit of a service's owner role: migrations and tools. */
export const OWNER_CONNECTIONS = 20;
