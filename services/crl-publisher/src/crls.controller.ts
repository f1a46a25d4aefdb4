import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { Clock, lastMidnight, nextMidnight } from '#libs/clock';
import { Endpoint } from '#libs/doors';
import { utc } from '#libs/events';
import type { Authority } from '#libs/pki';
import { AUTHORITY } from './crl-publisher.config.js';
import { crlNumber as number } from './crl-number.js';
import { DueRuns, isOpen, RUN_KINDS } from './due-runs.js';
import { PublishedLists, type PublishedList } from './published-lists.js';
import { ServedFiles } from './served-files.js';

const kind = z.enum(RUN_KINDS);

const publishedList = z.object({
  /** A string: a CRL number has up to 20 octets (RFC 5280 §5.2.3). */
  number,
  kind,
  cut: utc,
  thisUpdate: utc,
  nextUpdate: utc,
  publishedAt: utc,
  sha256: z.string(),
  bytes: z.number(),
  entryCount: z.number(),
  retiredCount: z.number().describe('entries that left after their certificate had expired (RFC 5280 §3.3)'),
  degraded: z.boolean().describe('has all entries of the list before, since the log does not explain what differs'),
});
const page = z.object({ items: z.array(publishedList), next: number.nullable() });
const nextList = z.object({
  cut: utc,
  kind,
  /** Until the cut; 0 when it has come. */
  seconds: z.number().int().nonnegative(),
  /** `waiting` for the cut, then the run's own. */
  state: z.enum(['waiting', 'due', 'running', 'held']),
});

const query = z.object({
  before: number.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

/** What was published, and what comes next. */
@Controller('api/v1/crls')
export class CrlsController {
  constructor(
    private readonly lists: PublishedLists,
    private readonly runs: DueRuns,
    private readonly files: ServedFiles,
    private readonly clock: Clock,
    private readonly source: DataSource,
    @Inject(AUTHORITY) private readonly authority: Authority,
  ) {}

  @Get()
  @Header('Cache-Control', 'no-cache')
  @Endpoint({ allow: 'anyone', summary: 'Published lists of the issuing CA, the newest first', query, returns: page })
  async all(@Query() { before, limit }: z.output<typeof query>): Promise<z.output<typeof page>> {
    const served = this.files.served(this.authority.issuing.skiHex);
    if (!served) return { items: [], next: null };
    // what is told here can be fetched here: a list counts once this replica serves it
    const end = before !== undefined && BigInt(before) <= served.number ? BigInt(before) : served.number + 1n;
    const lists = await this.lists.page(this.authority.issuing.skiHex, limit + 1, end);
    const items = lists.slice(0, limit).map(toJson);
    return { items, next: lists.length > limit ? items.at(-1)!.number : null };
  }

  @Get('next')
  @Header('Cache-Control', 'no-store')
  @Endpoint({ allow: 'anyone', summary: 'The list that comes next', returns: nextList })
  async next(): Promise<z.output<typeof nextList>> {
    const now = this.clock.now();
    const last = await this.runs.last(this.source.manager, this.authority.issuing.skiHex);
    if (last && isOpen(last)) {
      const { cut, kind, state } = last;
      return { cut: cut.toISOString(), kind, seconds: 0, state: state as 'due' | 'running' | 'held' };
    }
    const missing = !last || last.cut < lastMidnight(now);
    if (missing) return { cut: lastMidnight(now).toISOString(), kind: 'scheduled', seconds: 0, state: 'due' };
    const cut = nextMidnight(now);
    const seconds = Math.ceil((cut.getTime() - now.getTime()) / 1_000);
    return { cut: cut.toISOString(), kind: 'scheduled', seconds, state: 'waiting' };
  }
}

function toJson(list: PublishedList): z.output<typeof publishedList> {
  const { kind, sha256, bytes, entryCount, retiredCount, degraded } = list;
  return {
    number: `${list.number}`,
    kind,
    cut: list.cut.toISOString(),
    thisUpdate: list.thisUpdate.toISOString(),
    nextUpdate: list.nextUpdate.toISOString(),
    publishedAt: list.publishedAt.toISOString(),
    sha256,
    bytes,
    entryCount,
    retiredCount,
    degraded,
  };
}
