import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { DueRuns, type Attempt, type RunKind } from './due-runs.js';

export interface PublishedList {
  readonly issuerSki: string;
  readonly number: bigint;
  readonly kind: RunKind;
  readonly cut: Date;
  /** 0 for a first list: no row of the log speaks of it. */
  readonly markerSeq: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly entryCount: number;
  /** Entries that the log still lists and that left after they expired (RFC 5280 §3.3). */
  readonly retiredCount: number;
  /** The list before and the new one together, since the log does not explain their difference. */
  readonly degraded: boolean;
  /** The release by two persons, of an exact list that had been held. */
  readonly released: string | null;
  readonly publishedAt: Date;
}

const PART_BYTES = 1 << 20;
const COLUMNS = `issuer_ski as "issuerSki", number, kind, cut, marker_seq as "markerSeq", this_update as "thisUpdate",
  next_update as "nextUpdate", sha256, bytes, entry_count as "entryCount",
  retired_count as "retiredCount", degraded, released, published_at as "publishedAt"`;

/** Every list ever published, with its bytes; rows are never changed. */
@Injectable()
export class PublishedLists {
  constructor(
    private readonly source: DataSource,
    private readonly runs: DueRuns,
    private readonly outbox: Outbox,
  ) {}

  /**
   * Publishes: one transaction writes the row, the bytes, the run's end and `crl.published`, if the attempt has not been
   * overtaken. The file is hashed while it is copied: what is stored is what was checked.
   *
   * @throws CaError publicationSuperseded | crlMalformed when the file is not the one that was checked
   */
  async publish(attempt: Attempt, list: PublishedList, file: string): Promise<void> {
    await this.source.transaction(async (tx) => {
      await this.runs.fence(tx, attempt);
      await insertList(tx, list);
      await insertParts(tx, list, file);
      await this.runs.end(tx, attempt, 'published');
      await this.outbox.add(tx, publishedEvent(list));
    });
  }

  async highest(issuerSki: string): Promise<PublishedList | undefined> {
    const [list] = await this.page(issuerSki, 1);
    return list;
  }

  /** The newest one that says exactly what the log says: what lists after it are explained from. */
  async highestExact(issuerSki: string): Promise<PublishedList | undefined> {
    const [list] = await this.read('and not degraded order by number desc limit 1', [issuerSki]);
    return list;
  }

  /** Highest numbers first. */
  async page(issuerSki: string, limit: number, before?: bigint): Promise<PublishedList[]> {
    return this.read(`and ($2::numeric is null or number < $2) order by number desc limit $3`, [
      issuerSki,
      before?.toString() ?? null,
      limit,
    ]);
  }

  async byNumber(issuerSki: string, number: bigint): Promise<PublishedList | undefined> {
    const [list] = await this.read('and number = $2', [issuerSki, number.toString()]);
    return list;
  }

  /** The stored bytes, piece by piece. */
  async *parts({ issuerSki, number }: Pick<PublishedList, 'issuerSki' | 'number'>): AsyncGenerator<Buffer> {
    for (let part = 0; ; part += 1) {
      const [row] = await this.source.query<{ bytes: Buffer }[]>(
        'select bytes from published_part where issuer_ski = $1 and number = $2 and part = $3',
        [issuerSki, number.toString(), part],
      );
      if (!row) return;
      yield row.bytes;
    }
  }

  private async read(where: string, values: unknown[]): Promise<PublishedList[]> {
    const rows = await this.source.query<(PublishedList & { number: string })[]>(
      `select ${COLUMNS} from published_list where issuer_ski = $1 ${where}`,
      values,
    );
    return rows.map((row) => ({
      ...row,
      number: BigInt(row.number),
      markerSeq: Number(row.markerSeq),
      bytes: Number(row.bytes),
    }));
  }
}

async function insertList(tx: EntityManager, list: PublishedList): Promise<void> {
  await tx.query(
    `insert into published_list (issuer_ski, number, kind, cut, marker_seq, this_update, next_update, sha256, bytes,
       entry_count, retired_count, degraded, released, published_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      list.issuerSki,
      list.number.toString(),
      list.kind,
      list.cut,
      list.markerSeq,
      list.thisUpdate,
      list.nextUpdate,
      list.sha256,
      list.bytes,
      list.entryCount,
      list.retiredCount,
      list.degraded,
      list.released,
      list.publishedAt,
    ],
  );
}

async function insertParts(tx: EntityManager, list: PublishedList, file: string): Promise<void> {
  const digest = createHash('sha256');
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(PART_BYTES);
    for (let part = 0; ; part += 1) {
      const { bytesRead } = await handle.read(buffer, 0, PART_BYTES);
      if (bytesRead === 0) break;
      const bytes = buffer.subarray(0, bytesRead);
      digest.update(bytes);
      await tx.query('insert into published_part (issuer_ski, number, part, bytes) values ($1, $2, $3, $4)', [
        list.issuerSki,
        list.number.toString(),
        part,
        bytes,
      ]);
    }
  } finally {
    await handle.close();
  }
  if (digest.digest('hex') !== list.sha256) throw new CaError('crlMalformed', 'the file changed after it was checked');
}

function publishedEvent(list: PublishedList) {
  return newEvent(
    'crl.published',
    list.issuerSki,
    {
      issuerSki: list.issuerSki,
      number: list.number.toString(),
      kind: list.kind,
      cut: list.cut.toISOString(),
      markerSeq: list.markerSeq,
      thisUpdate: list.thisUpdate.toISOString(),
      nextUpdate: list.nextUpdate.toISOString(),
      entryCount: list.entryCount,
      sha256: list.sha256,
    },
    { source: 'crl-publisher', now: list.publishedAt },
  );
}
