import type { DataSource } from 'typeorm';
import { type EventType, type KaikaEvent, topicOf } from '../../events/src/index.js';
import type { Consumer, Delivery, Handlers } from '../src/index.js';

/**
 * How an order of events is told to a service:
 * - `once`: each once;
 * - `twice`: each comes again at once, as after a crash between effect and offset;
 * - `crashed`: the process ends after the effect of each and before its commit, then it comes again;
 * - `again`: afterwards the whole history comes from its start, and the inbox, which holds 45 days, knows none of it.
 */
export const WAYS = ['once', 'twice', 'crashed', 'again'] as const;
export type Way = (typeof WAYS)[number];

export interface Listener {
  readonly consumer: Consumer;
  readonly handlers: Handlers;
  readonly source: DataSource;
  /** What is taken before the map: it has no place in the inbox. */
  readonly direct?: Partial<Record<EventType, (record: Delivery) => Promise<void>>>;
}

export function listensTo({ handlers, direct = {} }: Listener, { type }: KaikaEvent): boolean {
  return Object.hasOwn(handlers, type) || Object.hasOwn(direct, type);
}

/** One order of a history's events, and the history as it happened. */
export interface Telling {
  readonly order: readonly KaikaEvent[];
  readonly happened: readonly KaikaEvent[];
}

export async function tell(listener: Listener, { order, happened }: Telling, way: Way): Promise<void> {
  for (const event of order) {
    if (way === 'crashed') await crash(listener, event);
    for (let times = way === 'twice' ? 2 : 1; times > 0; times--) await receive(listener, event);
  }
  if (way !== 'again') return;
  await listener.source.query('delete from inbox where event_id = any($1)', [happened.map(({ id }) => id)]);
  for (const event of happened) await receive(listener, event);
}

export function recordOf(event: KaikaEvent): Delivery {
  return { topic: topicOf(event.type), key: event.subject, id: event.id, value: JSON.stringify(event) };
}

function receive({ consumer, handlers, direct = {} }: Listener, event: KaikaEvent): Promise<void> {
  const record = recordOf(event);
  return direct[event.type]?.(record) ?? consumer.receive(record, handlers);
}

/** The process is stopped when the effect has happened and is not committed. */
async function crash({ consumer, handlers }: Listener, event: KaikaEvent): Promise<void> {
  const handler = handlers[event.type] as ((event: KaikaEvent, tx: unknown) => Promise<unknown>) | undefined;
  if (!handler) return;
  const process = new AbortController();
  const dying = {
    [event.type]: async (...effect: Parameters<typeof handler>) => {
      await handler(...effect);
      process.abort();
      throw new Error('the process was stopped here');
    },
  } as Handlers;
  const outcome = await consumer.receive({ ...recordOf(event), signal: process.signal }, dying).then(
    () => 'went on',
    () => 'stopped',
  );
  if (outcome !== 'stopped') throw new Error(`a crash in ${event.type} was survived`);
}

/** Some at a time, as many as a service has connections to spare. */
export async function each<T>(all: readonly T[], work: (one: T) => Promise<void>, atOnce = 6): Promise<void> {
  const rest = all.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const one of rest) await work(one);
    }),
  );
}
