import { Controller, Get, Header, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { CaError } from '#libs/errors';
import { holder, listing, utc, type CardRow, type Listing } from '#libs/events';
import type { Authority, CrlEntry } from '#libs/pki';
import { crlNumber } from './crl-number.js';
import { AUTHORITY } from './crl-publisher.config.js';
import { EXPLANATIONS, Explanations, type Explained } from './explanation.js';
import type { PublishedList } from './published-lists.js';

const serial = z.string().regex(/^[0-9A-F]{32}$/, 'is not a serial');
const list = z.object({ number: crlNumber, cut: utc, markerSeq: z.number().int(), degraded: z.boolean() });
/** What an entry says, of a list or of the log. */
const entry = listing.extend({ reason: z.string() }).nullable();
const row = z.object({
  seq: z.number().int(),
  at: utc,
  kind: z.string(),
  holder: holder.nullable(),
  holds: z.array(holder),
  listed: listing.nullable(),
});
const difference = z.object({
  serial,
  cardNumber: z.string().nullable(),
  difference: z.enum(['added', 'gone', 'changed']),
  before: entry,
  after: entry,
  explanation: z.enum(EXPLANATIONS),
  rows: z.array(row).describe('of its card in the status log, between the two lists'),
});
const answer = z.object({ from: list, to: list, items: z.array(difference), next: serial.nullable() });

const params = z.object({ a: crlNumber, b: crlNumber });
const query = z.object({
  after: serial.optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
});

@Controller('api/v1/crls')
export class DifferencesController {
  constructor(
    private readonly explanations: Explanations,
    @Inject(AUTHORITY) private readonly authority: Authority,
  ) {}

  @Get(':a/differences/:b')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: ['ca-operator', 'auditor'],
    summary: 'Every entry added, gone or changed from one list to a later one, and the rows of the log that explain it',
    params,
    query,
    returns: answer,
    errors: ['notFound'],
  })
  async explain(
    @Param() { a, b }: z.output<typeof params>,
    @Query() { after, limit }: z.output<typeof query>,
  ): Promise<z.output<typeof answer>> {
    if (BigInt(a) >= BigInt(b)) {
      const errors = [{ at: 'path:b', problem: 'must be the number of a later list' }];
      throw new CaError('invalidRequest', 'the second list must be the later one', { errors });
    }
    const two = { older: await this.find(a), newer: await this.find(b) };
    const found = await this.explanations.explain(two, after ?? '', limit + 1);
    const items = found.slice(0, limit);
    const next = found.length > limit ? items.at(-1)!.serial : null;
    return { from: listView(two.older), to: listView(two.newer), items: items.map(differenceView), next };
  }

  private async find(number: string): Promise<PublishedList> {
    const found = await this.explanations.find(this.authority.issuing.skiHex, BigInt(number));
    if (!found) throw new CaError('notFound', `no list has the number ${number}`);
    return found;
  }
}

function listView({ number, cut, markerSeq, degraded }: PublishedList): z.output<typeof list> {
  return { number: `${number}`, cut: cut.toISOString(), markerSeq, degraded };
}

function differenceView({ before, after, rows, ...rest }: Explained): z.output<typeof difference> {
  return { ...rest, before: before && entryView(before), after: after && entryView(after), rows: rows.map(rowView) };
}

function entryView({ reason = 'unspecified', revocationDate, invalidityDate }: CrlEntry) {
  const seconds = (at: Date) => `${at.toISOString().slice(0, 19)}Z`;
  return {
    reason,
    since: seconds(revocationDate),
    ...(invalidityDate && { invalidityDate: seconds(invalidityDate) }),
  };
}

function rowView({ seq, at, kind, holder, holds, listed }: CardRow): z.output<typeof row> & { listed: Listing | null } {
  return { seq, at, kind, holder, holds, listed };
}
