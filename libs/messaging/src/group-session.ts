import { Client, type QueryResult, type QueryResultRow } from 'pg';

export interface PartitionId {
  topic: string;
  partition: number;
}

const KEY = `hashtextextended($1, 0)`;

/**
 * One member of a consumer group: a database session. Its advisory locks are its claims, one shared lock is its
 * membership; both end with the session, however it ends. Positions are stored over the same session: who has lost
 * its claim can't move the position of who has it now.
 */
export class GroupSession {
  readonly lost: Promise<void>;
  readonly #client: Client;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    busUrl: string,
    private readonly group: string,
  ) {
    this.#client = new Client({ connectionString: busUrl, keepAlive: true, connectionTimeoutMillis: 5_000 });
    this.lost = new Promise((done) => this.#client.once('end', () => done()).on('error', () => done()));
  }

  async join(): Promise<void> {
    await this.#client.connect();
    // A position that is lost in a crash of the server only means that its last records come again.
    await this.#query('set synchronous_commit = off');
    await this.#query(`select pg_advisory_lock_shared(${KEY})`, [`kaika.member.${this.group}`]);
  }

  /** Living members of the group, this one included. */
  async members(): Promise<number> {
    const { rows } = await this.#query<{ n: number }>(
      `select count(*)::int as n from pg_locks
       where locktype = 'advisory' and mode = 'ShareLock' and granted and objsubid = 1
         and database = (select oid from pg_database where datname = current_database())
         and ((classid::bigint << 32) | objid::bigint) = ${KEY}`,
      [`kaika.member.${this.group}`],
    );
    return rows[0]!.n;
  }

  async claim(id: PartitionId): Promise<boolean> {
    const sql = `select pg_try_advisory_lock(${KEY}) as ours`;
    const { rows } = await this.#query<{ ours: boolean }>(sql, [this.#name(id)]);
    return rows[0]!.ours;
  }

  async release(id: PartitionId): Promise<void> {
    await this.#query(`select pg_advisory_unlock(${KEY})`, [this.#name(id)]);
  }

  /** Where the group goes on; from now on what it has not read is kept for it. */
  async position(id: PartitionId): Promise<bigint> {
    await this.#query(
      'insert into group_offset (group_id, topic, partition, next_offset) values ($1, $2, $3, 0) on conflict do nothing',
      [this.group, id.topic, id.partition],
    );
    const { rows } = await this.#query<{ next_offset: string }>(
      'select next_offset from group_offset where group_id = $1 and topic = $2 and partition = $3',
      [this.group, id.topic, id.partition],
    );
    return BigInt(rows[0]!.next_offset);
  }

  async store({ topic, partition }: PartitionId, nextOffset: bigint): Promise<void> {
    await this.#query(
      `insert into group_offset (group_id, topic, partition, next_offset) values ($1, $2, $3, $4)
       on conflict (group_id, topic, partition) do update set next_offset = excluded.next_offset`,
      [this.group, topic, partition, nextOffset],
    );
  }

  async leave(): Promise<void> {
    await this.#client.end().catch(() => {});
  }

  /** One statement at a time: the readers of all partitions share the session. */
  #query<R extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<QueryResult<R>> {
    const result = this.#last.then(() => this.#client.query<R>(sql, values));
    this.#last = result.catch(() => {});
    return result;
  }

  #name({ topic, partition }: PartitionId): string {
    return `kaika.claim.${this.group}/${topic}/${partition}`;
  }
}
