import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { z } from 'zod';
import type { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import {
  insertRequest,
  markDecided,
  selectRequest,
  selectRequests,
  type RequestPage,
  type RequestRow,
} from './request-rows.js';
import { decide, LIFETIME_MS, stateOf, type Verdict } from './rules.js';

/** A kind of act that needs two persons. */
export interface TwoPersonAct<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly kind: string;
  /** What is asked for: JSON, stored and read back before it is done. No secrets. */
  readonly parameters: P;
  /** What the act leaves in the request: JSON, said again when an approval is repeated. */
  readonly result: R;
}

/** A request, its state as of when it was read. */
export interface DualControlRequest<P = unknown, R = unknown> extends RequestRow {
  readonly parameters: P;
  readonly result: R | null;
}

type RequestOf<A extends TwoPersonAct> = DualControlRequest<z.output<A['parameters']>, z.output<A['result']>>;

/** Requests for acts of two persons, in the caller's transactions. */
export class DualControl {
  constructor(
    private readonly clock: Clock,
    private readonly lifetimeMs = LIFETIME_MS,
  ) {}

  /**
   * Asks for an act. The same thing asked for by the same person while it is open is the same request.
   *
   * @param about what the act is done to
   * @param by    subject of the person who asks
   */
  async request<A extends TwoPersonAct>(
    tx: EntityManager,
    act: A,
    { about, parameters, by }: { about: string; parameters: z.input<A['parameters']>; by: string },
  ): Promise<RequestOf<A>> {
    const requestedAt = this.clock.now();
    const row = await insertRequest(tx, {
      id: randomUUID(),
      kind: act.kind,
      about,
      parameters,
      requestedBy: by,
      requestedAt,
      expiresAt: new Date(requestedAt.getTime() + this.lifetimeMs),
    });
    return this.view(act, row);
  }

  /**
   * Approves, and does it: in this transaction, under the request's lock, exactly once. What `execute` throws leaves the
   * request open, since the caller's transaction is rolled back with it.
   *
   * @param execute the act; its result is kept and said again
   * @throws CaError notFound | ownRequest | requestDecided (rejected) | requestExpired
   */
  async approve<A extends TwoPersonAct>(
    tx: EntityManager,
    act: A,
    { id, by }: { id: string; by: string },
    execute: (request: RequestOf<A>) => Promise<z.input<A['result']>>,
  ): Promise<RequestOf<A>> {
    const { row, at, already } = await this.take(tx, act, id, 'approved', by);
    if (already) return this.view(act, row);
    const result = await execute(this.view(act, row));
    await markDecided(tx, id, { verdict: 'approved', by, at, result });
    return this.read(tx, act, id);
  }

  /** @throws CaError notFound | ownRequest | requestDecided (approved) | requestExpired */
  async reject<A extends TwoPersonAct>(
    tx: EntityManager,
    act: A,
    { id, by, ground }: { id: string; by: string; ground: string },
  ): Promise<RequestOf<A>> {
    const { row, at, already } = await this.take(tx, act, id, 'rejected', by);
    if (already) return this.view(act, row);
    await markDecided(tx, id, { verdict: 'rejected', by, at, ground });
    return this.read(tx, act, id);
  }

  /** @throws CaError notFound */
  async read<A extends TwoPersonAct>(tx: EntityManager, act: A, id: string): Promise<RequestOf<A>> {
    return this.view(act, (await selectRequest(tx, act.kind, id)) ?? missing());
  }

  /** Requests of this kind, oldest first. */
  async list<A extends TwoPersonAct>(tx: EntityManager, act: A, page: RequestPage): Promise<RequestOf<A>[]> {
    const rows = await selectRequests(tx, act.kind, page, this.clock.now());
    return rows.map((row) => this.view(act, row));
  }

  /** The request's lock, then the time, then the rules. */
  private async take(tx: EntityManager, act: TwoPersonAct, id: string, verdict: Verdict, by: string) {
    const row = (await selectRequest(tx, act.kind, id, true)) ?? missing();
    const at = this.clock.now();
    const outcome = decide(row, verdict, by, at);
    if (outcome === 'decide' || outcome === 'already') return { row, at, already: outcome === 'already' };
    const state = stateOf(row, at);
    throw new CaError(outcome, outcome === 'ownRequest' ? 'you asked for this yourself' : `the request is ${state}`, {
      state,
    });
  }

  private view<A extends TwoPersonAct>(act: A, row: RequestRow): RequestOf<A> {
    return {
      ...row,
      state: stateOf(row, this.clock.now()),
      parameters: act.parameters.parse(row.parameters) as z.output<A['parameters']>,
      result: row.result === null ? null : (act.result.parse(row.result) as z.output<A['result']>),
    };
  }
}

function missing(): never {
  throw new CaError('notFound', 'no such request');
}
