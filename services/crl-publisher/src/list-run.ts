import { rm } from 'node:fs/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import { nextMidnight, type Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { EMPTY_DIGEST } from '#libs/events';
import { writeCrl, type CaCertificate, type CrlOptions, type WrittenCrl } from '#libs/pki';
import type { Alarms } from './alarms.js';
import { checkList, type CheckedList, type Measure } from './check-list.js';
import { isOpen, type Attempt, type DueRun, type DueRuns, type Outcome } from './due-runs.js';
import type { EmergencyLists } from './emergency-lists.js';
import type { HeldLists } from './held-lists.js';
import { withIssuerLock } from './issuer-lock.js';
import { Judge } from './judge.js';
import { listedAt, retiredAt } from './listings.js';
import type { StatusOwner } from './owner.js';
import type { PublishedLists } from './published-lists.js';
import { newestRetention } from './retention.js';
import type { ServedFiles } from './served-files.js';
import type { StatusLog } from './status-log.js';

/** Where a list ends in the status log, and what the log's owner counts below it. */
export interface Marker extends Measure {
  readonly seq: number;
}

/** A signed list in a file that nobody reads yet. */
export interface Draft {
  readonly attempt: Attempt;
  readonly marker: Marker;
  /** What the owner counts and the list does not: entries that left after expiry. */
  readonly retired: Measure;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly file: string;
  readonly written: WrittenCrl;
}

const NOTHING: Measure = { count: 0, digest: EMPTY_DIGEST };
const OUTCOMES: Record<string, Outcome> = { crlUnexplained: 'held', publicationSuperseded: 'superseded' };

export interface ListRunParts {
  source: DataSource;
  clock: Clock;
  issuer: CaCertificate;
  overlapSeconds: number;
  owner: StatusOwner;
  log: StatusLog;
  runs: DueRuns;
  emergencies: EmergencyLists;
  held: HeldLists;
  lists: PublishedLists;
  files: ServedFiles;
  alarms: Alarms;
}

/** How a list comes to be, step by step (docs/CRL.md). Any step may fail or be killed: the next attempt begins anew. */
export class ListRun {
  private readonly judge: Judge;

  constructor(private readonly parts: ListRunParts) {
    this.judge = new Judge(parts);
  }

  /** @returns how it ended; `idle` when nothing is due, `busy` when another process is at it */
  async perform(): Promise<Outcome | 'idle' | 'busy'> {
    const { source, clock, issuer, runs, owner } = this.parts;
    const done = await withIssuerLock(source, issuer.skiHex, async (connection) => {
      const due = await runs.newest(issuer.skiHex, clock.now(), () => owner.logIsEmpty());
      const run = due ?? (await this.nextEmergency());
      if (!run) return 'idle';
      return isOpen(run) ? this.carryOut(run, connection) : 'superseded';
    });
    return done ?? 'busy';
  }

  /** Its marker is written now. A list of midnight that is due goes first. */
  private async nextEmergency(): Promise<DueRun | undefined> {
    const { emergencies, owner, runs, issuer } = this.parts;
    const id = await emergencies.waiting(issuer.skiHex);
    if (!id) return undefined;
    const { cut, seq } = await owner.putEmergencyCut(id);
    return runs.beginEmergency(issuer.skiHex, id, { cut: new Date(cut), seq });
  }

  private async carryOut(run: DueRun, connection: QueryRunner): Promise<Outcome> {
    const marker = await this.awaitMarker(run);
    const outcome = await this.attempt(run, (attempt) => this.exact(attempt, marker, connection));
    if (outcome !== 'held' || !(await this.mayUnite(run))) return outcome;
    return this.attempt(run, (attempt) => this.united(attempt, marker, connection));
  }

  private async attempt(run: DueRun, work: (attempt: Attempt) => Promise<void>): Promise<Outcome> {
    const attempt = await this.start(run);
    try {
      await work(attempt);
      return 'published';
    } catch (error) {
      return await this.fail(attempt, error);
    } finally {
      await rm(await this.parts.files.draft(run.issuerSki, attempt.number), { force: true });
    }
  }

  private async exact(attempt: Attempt, marker: Marker, connection: QueryRunner): Promise<void> {
    const draft = await this.build(attempt, marker, connection);
    const checked = await this.check(draft);
    const { count, digest } = checked;
    const released = await this.parts.held.releaseOf(attempt.run, { count, digest });
    if (!released) await this.passGate(draft, checked);
    await this.publish(draft, released ? { released } : {});
    this.parts.alarms.clear('listDegraded');
    this.parts.alarms.set('listReleased', released !== undefined, { number: `${attempt.number}`, released });
  }

  /** What is served, and everything new: no list may be missing at the end of the overlap. */
  private async united(attempt: Attempt, marker: Marker, connection: QueryRunner): Promise<void> {
    const scope = await this.scope(attempt.run, marker);
    const entries = this.judge.union(marker, listedAt(connection, scope));
    const draft = await this.write(attempt, marker, NOTHING, entries);
    await this.judge.holdsAllServed(marker, await this.check(draft));
    await this.publish(draft, { degraded: true });
    this.parts.alarms.raise('listDegraded', { number: `${attempt.number}`, cut: attempt.run.cut });
  }

  /** Half the overlap is left for people; an emergency does not wait for them, and its two persons are there. */
  private async mayUnite(run: DueRun): Promise<boolean> {
    const { clock, lists, emergencies, overlapSeconds } = this.parts;
    const before = await lists.highest(run.issuerSki);
    if (!before) return false;
    const halfway = before.nextUpdate.getTime() - (overlapSeconds * 1_000) / 2;
    if (run.kind === 'emergency' || clock.nowMs() >= halfway) return true;
    return (await emergencies.waiting(run.issuerSki)) !== undefined;
  }

  /** Steps 1 and 2: the cut's row in the log, and every row below it. A first list needs neither. */
  async awaitMarker(run: DueRun): Promise<Marker> {
    if (run.kind === 'first') return { seq: 0, ...NOTHING };
    const { owner, log } = this.parts;
    const row = run.emergency ? await owner.putEmergencyCut(run.emergency) : await owner.putCut(run.cut);
    const isOurs = run.emergency ? row.emergency === run.emergency : Date.parse(row.cut) === run.cut.getTime();
    if (!isOurs) throw new CaError('statusFeedBroken', `the owner answered for the cut ${row.cut}`);
    await log.waitFor(row.seq);
    const list = (await log.expected(row)).find(({ issuerSki }) => issuerSki === run.issuerSki);
    return { seq: row.seq, ...(list ? { count: list.count, digest: list.digest } : NOTHING) };
  }

  /** Draws the number. */
  async start(run: DueRun): Promise<Attempt> {
    const { files, issuer, runs, clock } = this.parts;
    return runs.start(run, await files.floor(issuer), clock.now());
  }

  /** Step 3: out of the database, through the encoder, under a signature, into a file. */
  async build(attempt: Attempt, marker: Marker, connection: QueryRunner): Promise<Draft> {
    const scope = await this.scope(attempt.run, marker);
    const retired = await retiredAt(connection, scope);
    return this.write(attempt, marker, retired, listedAt(connection, scope));
  }

  private async scope({ issuerSki }: DueRun, { seq }: Marker) {
    return { issuerSki, markerSeq: seq, retention: await newestRetention(this.parts.source.manager, issuerSki) };
  }

  private async write(
    attempt: Attempt,
    marker: Marker,
    retired: Measure,
    entries: CrlOptions['entries'],
  ): Promise<Draft> {
    const { issuer, files } = this.parts;
    const { run, number } = attempt;
    const file = await files.draft(run.issuerSki, number);
    const thisUpdate = run.cut;
    const nextUpdate = await this.nextUpdate(run);
    const signer = await issuer.signer();
    const written = await writeCrl({ signer, issuer, number, thisUpdate, nextUpdate, entries, file });
    return { attempt, marker, retired, thisUpdate, nextUpdate, file, written };
  }

  /**
   * Until the next list is due, and the overlap on top of it; for a first list the next one is due at midnight. An
   * emergency list lasts as long as the one it replaces: the one after both is due when it was.
   */
  private async nextUpdate({ kind, issuerSki, cut }: DueRun): Promise<Date> {
    const { lists, overlapSeconds } = this.parts;
    const replaced = kind === 'emergency' ? await lists.highest(issuerSki) : undefined;
    return replaced?.nextUpdate ?? new Date(nextMidnight(cut).getTime() + overlapSeconds * 1_000);
  }

  /** Step 4: the bytes, read back by another reader. */
  async check({ attempt: { number }, thisUpdate, nextUpdate, file, written: { sha256 } }: Draft): Promise<CheckedList> {
    const issuer = this.parts.issuer.der;
    return checkList(file, { issuer, number, thisUpdate, nextUpdate, sha256 });
  }

  /** Step 5: the list is what the log's owner counts, and each difference to the list before has its reason in the log. */
  async passGate(draft: Draft, checked: CheckedList): Promise<void> {
    await this.judge.passGate(draft, checked);
  }

  /** Step 6, first half: in the database it is published, whatever happens now. */
  async publish(draft: Draft, how: { degraded?: boolean; released?: string } = {}): Promise<void> {
    const { attempt, marker, retired, thisUpdate, nextUpdate, file, written } = draft;
    const { issuerSki, kind, cut } = attempt.run;
    const { sha256, bytes, count: entryCount } = written;
    const list = {
      ...{ issuerSki, number: attempt.number, kind, cut, markerSeq: marker.seq, thisUpdate, nextUpdate },
      ...{ sha256, bytes, entryCount, retiredCount: retired.count },
      degraded: how.degraded ?? false,
      released: how.released ?? null,
      publishedAt: this.parts.clock.now(),
    };
    await this.parts.lists.publish(attempt, list, file);
  }

  /** Notes the end if it can; a run whose end nobody noted is simply taken up again. */
  private async fail(attempt: Attempt, error: unknown): Promise<Outcome> {
    const { runs, source, alarms } = this.parts;
    const known = error instanceof CaError ? error : undefined;
    const outcome = (known && OUTCOMES[known.code]) ?? 'failed';
    const about = { number: `${attempt.number}`, cut: attempt.run.cut, err: error };
    if (outcome === 'held') alarms.raise('runHeld', { ...about, ...known!.params });
    if (outcome === 'failed') alarms.raise('runFailed', about);
    const problem = error instanceof Error ? error.message : String(error);
    const why = { problem, ...(outcome === 'held' && { held: known!.params }) };
    await runs.end(source.manager, attempt, outcome, why).catch(() => undefined);
    return outcome;
  }
}
