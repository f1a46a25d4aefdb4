import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { Client } from 'pg';
import pino from 'pino';
import type { DataSource } from 'typeorm';
import { Clock, sleep } from '#libs/clock';
import type { TestDatabase, TestService } from '#libs/database';
import { DualControl } from '#libs/dual-control';
import { ServiceClient, serviceTokens } from '#libs/doors';
import type { Listing, StatusRow } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { ceremony, verifyCrl, type Authority, type CaCertificate } from '#libs/pki';
import { StatusFeed } from '#libs/status-feed';
import { Alarms } from './alarms.js';
import { EmergencyLists } from './emergency-lists.js';
import { HeldLists } from './held-lists.js';
import { DueRuns } from './due-runs.js';
import { crlPublisher } from './index.js';
import { applyStatusRows } from './listings.js';
import { ListRun } from './list-run.js';
import { FakeOwner } from './owner.fixture.js';
import { StatusOwner } from './owner.js';
import { PublishedLists, type PublishedList } from './published-lists.js';
import { ServedFiles } from './served-files.js';
import { StatusLog } from './status-log.js';

export const OVERLAP_SECONDS = 8 * 3_600;
export const silent = pino({ level: 'silent' });

/** Midnights of Taipei, as UTC. */
export const MIDNIGHTS = [10, 11, 12, 13, 14].map((day) => new Date(`2026-01-${day}T16:00:00Z`)) as [Date, Date, Date, Date, Date]; // prettier-ignore

export function setClock(clock: Clock, at: Date | string): void {
  const realNowMs = clock.nowMs() - clock.offsetMs;
  clock.set(Math.min(0, new Date(at).getTime() - realNowMs));
}

/** Waits until `check` throws no more. */
export async function eventually(check: () => Promise<void> | void): Promise<void> {
  for (const started = performance.now(); ; await sleep(20)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() - started > 15_000) throw error;
    }
  }
}

export type Runner = ReturnType<PublisherFixture['runner']>;

/** Everything between a log's owner and the published files, on a real database; nothing runs by itself. */
export class PublisherFixture {
  readonly clock = new Clock();
  readonly dir = mkdtempSync(join(tmpdir(), 'kaika-crl-'));
  owner!: FakeOwner;
  ownerUrl!: string;
  service!: TestService;
  authority!: Authority;

  constructor(private readonly database: TestDatabase) {}

  async start(): Promise<void> {
    setClock(this.clock, '2026-01-10T02:00:00Z');
    this.service = await this.database.service('crl-publisher', [...crlPublisher.migrations] as never);
    this.authority = await ceremony({
      dir: join(this.dir, 'authority'),
      publicUrl: 'http://kaika.example',
      clock: this.clock,
      keys: { root: 'p-384', issuing: 'p-384' },
      log: () => undefined,
    });
    await this.renewOwner();
  }

  async stop(): Promise<void> {
    await this.owner.close();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** What `Midnight` needs beside a runner. */
  get midnightParts() {
    return { clock: this.clock, issuer: this.issuer, rootCrlFile: this.authority.rootCrlFile };
  }

  get issuer(): CaCertificate {
    return this.authority.issuing;
  }

  /** A new status log, and nothing known or published here. */
  async reset(): Promise<void> {
    await this
      .asOwner(`truncate listing, cut, feed_row, feed_conflict, published_part, published_list, attempt, due_run,
      list_release, emergency_list, open_alarm, dual_control_request, issuer, outbox, inbox; update feed_state set epoch = null, seq = 0, hash = repeat('0', 64), at = null`);
    await rm(join(this.dir, 'crl'), { recursive: true, force: true });
    setClock(this.clock, '2026-01-10T02:00:00Z');
    await this.owner.close();
    await this.renewOwner();
  }

  /** One process: its own view of everything but the database and, unless another is given, the folder. */
  runner(issuer: CaCertificate = this.issuer, dir = 'crl', source: DataSource = this.service.source) {
    const alarms = new Alarms(silent, this.clock);
    const { privateKey } = generateKeyPairSync('ed25519');
    const tokens = serviceTokens({ kid: 'test', privateKey }, 'crl-publisher');
    const owner = new StatusOwner(new ServiceClient(this.ownerUrl, tokens));
    const feed = new StatusFeed({ source, apply: applyStatusRows, fetchRows: (after, limit) => owner.rowsAfter(after, limit) }); // prettier-ignore
    const log = new StatusLog(feed, source);
    const runs = new DueRuns(source);
    const lists = new PublishedLists(source, runs, new Outbox(source));
    const files = new ServedFiles(join(this.dir, dir), lists, alarms);
    const { clock } = this;
    const emergencies = new EmergencyLists(source, new DualControl(clock), clock);
    const held = new HeldLists(source, new DualControl(clock), clock);
    const run = new ListRun({ source, clock, issuer, overlapSeconds: OVERLAP_SECONDS, owner, log, runs, emergencies, held, lists, files, alarms }); // prettier-ignore
    return { alarms, emergencies, feed, files, held, lists, log, run, runs };
  }

  /** Two officers ask for an emergency list at this moment of the log's clock. */
  async approveEmergency({ emergencies }: Runner, now: Date): Promise<string> {
    this.owner.now = () => now;
    setClock(this.clock, now);
    const { id } = await emergencies.request(this.issuer.skiHex, 'a key was stolen', 'wang');
    await emergencies.approve(id, 'wu');
    return id;
  }

  /** The list of a midnight, or of what else is due then. */
  async publishAt({ run, lists }: Runner, now: Date): Promise<PublishedList> {
    setClock(this.clock, now);
    const outcome = await run.perform();
    if (outcome !== 'published') throw new Error(`the run ended ${outcome}`);
    return (await lists.highest(this.issuer.skiHex))!;
  }

  async deliver(feed: StatusFeed, ...rows: StatusRow[]): Promise<void> {
    for (const row of rows) await feed.land(this.owner.event(row));
  }

  /** What the file says, by serial, checked with the issuer's certificate. */
  async entries(file: string): Promise<Map<string, Listing>> {
    const { list } = await verifyCrl(file, this.issuer.der);
    const entries = new Map<string, Listing>();
    const utc = (date: Date) => `${date.toISOString().slice(0, 19)}Z`;
    for await (const { serial, reason, revocationDate, invalidityDate } of list.entries()) {
      entries.set(serial, {
        reason: reason as Listing['reason'],
        since: utc(revocationDate),
        ...(invalidityDate && { invalidityDate: utc(invalidityDate) }),
      });
    }
    return entries;
  }

  /** SQL with the right to change everything. */
  async asOwner(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.service.ownerUrl });
    await client.connect();
    try {
      const result = await client.query(sql, values);
      return result.rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  private async renewOwner(): Promise<void> {
    this.owner = new FakeOwner(this.issuer.skiHex);
    this.ownerUrl = await this.owner.listen();
  }
}
