import type { DataSource, EntityManager } from 'typeorm';
import { CaError } from '#libs/errors';
import type { Delivery } from './bus-record.js';

export interface DeadLetter {
  id: string;
  topic: string;
  key: string;
  recordId: string;
  type: string | null;
  /** `dead`: failed and parked its key. `waiting`: came later for a parked key. */
  state: 'dead' | 'waiting' | 'replayed' | 'discarded';
  reason: string | null;
  attempts: number;
  createdAt: Date;
  resolvedAt: Date | null;
  resolvedBy: string | null;
  /** Size of the event. */
  bytes: number;
  /** Names of its fields, never what is in them; null when it cannot be read. */
  fields: string[] | null;
}

export interface LetterPage {
  states: readonly DeadLetter['state'][];
  /** Id of the last one seen. */
  after?: string;
  limit?: number;
}

export interface ReplayResult {
  replayed: number;
  /** The key is free again; otherwise the letter that failed, and why. */
  freed: boolean;
  failed?: { id: string; reason: string };
}

type Step = 'replayed' | 'freed' | { id: string; reason: string };
type StoredLetter = Pick<DeadLetter, 'id' | 'topic' | 'key' | 'recordId' | 'type'> & { value: string };
type ListedLetter = Omit<DeadLetter, 'fields'> & { readable: string | null };

const OPEN = ['dead', 'waiting'] as const;
const STORED = 'id, topic, key, record_id as "recordId", type, value';
const LISTED = `id, topic, key, record_id as "recordId", type, state, reason, attempts, created_at as "createdAt",
  resolved_at as "resolvedAt", resolved_by as "resolvedBy", octet_length(value) as bytes,
  case when octet_length(value) < 100000 then value end as readable`;

/** What a service could not digest, for the officers who put it right. */
export class DeadLetters {
  constructor(
    private readonly source: DataSource,
    /** Hands a record to the topic's handler. */
    private readonly deliver: (delivery: Delivery) => Promise<void>,
  ) {}

  /** Open ones by default, oldest first; without the events' contents. */
  async list({ states, after = '0', limit = 200 }: LetterPage = { states: OPEN }): Promise<DeadLetter[]> {
    const letters = await this.source.query<ListedLetter[]>(
      `select ${LISTED} from dead_letter where state = any($1) and id > $2 order by id limit $3`,
      [states, after, limit],
    );
    return letters.map(({ readable, ...letter }) => ({ ...letter, fields: fieldsOf(readable) }));
  }

  /** Topic, key and type of one. @throws CaError notFound */
  async read(id: string): Promise<Pick<DeadLetter, 'id' | 'topic' | 'key' | 'type'>> {
    const { topic, key, type } = await this.#find(id);
    return { id, topic, key, type };
  }

  /**
   * Replays all open letters of this letter's topic and key, oldest first: each with its effect, its inbox row and its
   * mark in one transaction. Stops at the first that fails; the last one frees the key.
   *
   * @throws CaError notFound
   */
  async replay(id: string, by: string): Promise<ReplayResult> {
    const { topic, key } = await this.#find(id);
    for (let replayed = 0; ; replayed++) {
      const step = await this.#next(topic, key, by);
      if (step === 'freed') return { replayed, freed: true };
      if (step !== 'replayed') return { replayed, freed: false, failed: step };
    }
  }

  /**
   * Gives one letter up for good: an act of two persons, see `Discards`. What waited behind it goes on with the next
   * `replay`.
   *
   * @throws CaError notFound | conflict (resolved already)
   */
  async discard(tx: EntityManager, id: string, by: string): Promise<void> {
    const letter = await this.#find(id, tx);
    await lockKey(tx, letter.topic, letter.key);
    const open = await resolve(tx, id, 'discarded', by);
    if (!open) throw new CaError('conflict', `dead letter ${id} is resolved already`);
    // A duplicate that is still on its way must not bring it back.
    await tx.query('insert into inbox (event_id) values ($1) on conflict do nothing', [eventIdOf(letter)]);
  }

  async #next(topic: string, key: string, by: string): Promise<Step> {
    let current: StoredLetter | undefined;
    const replay: { tx?: EntityManager; error?: unknown } = {};
    try {
      return await this.source.transaction(async (tx) => {
        await lockKey(tx, topic, key);
        current = await firstOpen(tx, topic, key);
        if (!current) {
          await tx.query('delete from parked_key where topic = $1 and key = $2', [topic, key]);
          return 'freed';
        }
        replay.tx = tx;
        const { recordId, value } = current;
        await this.deliver({ topic, key, value, id: recordId, replay: replay as Required<typeof replay> });
        await resolve(tx, current.id, 'replayed', by);
        return 'replayed';
      });
    } catch (error) {
      if (!current) throw error;
      const cause = replay.error ?? error;
      const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
      await this.#failed(current.id, reason);
      return { id: current.id, reason };
    }
  }

  /** Nothing holds the key by now: a letter that somebody resolved since stays so. */
  async #failed(id: string, reason: string): Promise<void> {
    await this.source.query(
      `update dead_letter set state = 'dead', reason = $2, attempts = attempts + 1
       where id = $1 and state in ('dead', 'waiting')`,
      [id, reason.slice(0, 2_000)],
    );
  }

  async #find(id: string, tx: EntityManager = this.source.manager): Promise<StoredLetter> {
    if (!/^\d{1,18}$/.test(id)) throw new CaError('notFound', 'no such dead letter');
    const [letter] = await tx.query<StoredLetter[]>(`select ${STORED} from dead_letter where id = $1`, [id]);
    if (!letter) throw new CaError('notFound', 'no such dead letter');
    return letter;
  }
}

/** Consumers that meet this key wait here until the transaction ends. */
async function lockKey(tx: EntityManager, topic: string, key: string): Promise<void> {
  await tx.query('select 1 from parked_key where topic = $1 and key = $2 for update', [topic, key]);
}

async function firstOpen(tx: EntityManager, topic: string, key: string): Promise<StoredLetter | undefined> {
  const [letter] = await tx.query<StoredLetter[]>(
    `select ${STORED} from dead_letter
     where topic = $1 and key = $2 and state in ('dead', 'waiting') order by id limit 1`,
    [topic, key],
  );
  return letter;
}

async function resolve(tx: EntityManager, id: string, state: 'replayed' | 'discarded', by: string): Promise<boolean> {
  const [, count] = await tx.query<[unknown[], number]>(
    `update dead_letter set state = $2, resolved_at = clock_timestamp(), resolved_by = $3
     where id = $1 and state in ('dead', 'waiting')`,
    [id, state, by],
  );
  return count === 1;
}

/** Names that can be a field's of ours: the name of a stranger's field may be anything. */
const FIELD = /^[A-Za-z]\w{0,39}$/;

function fieldsOf(value: string | null): string[] | null {
  try {
    const { data } = JSON.parse(value ?? '') as { data?: unknown };
    return typeof data === 'object' && data ? Object.keys(data).filter((name) => FIELD.test(name)).slice(0, 50) : null; // prettier-ignore
  } catch {
    return null;
  }
}

function eventIdOf({ value, recordId }: StoredLetter): string {
  try {
    const { id } = JSON.parse(value) as { id?: unknown };
    return typeof id === 'string' ? id : recordId;
  } catch {
    return recordId;
  }
}
