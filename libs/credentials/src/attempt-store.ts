import { isIP, isIPv4 } from 'node:net';
import { type DataSource, type EntityManager } from 'typeorm';
import { type Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { ATTEMPT_POLICIES, isForgotten, judge, type AttemptPolicy, type AttemptPurpose } from './attempt-policy.js';

export interface Attempt {
  readonly cardNumber: string;
  readonly purpose: AttemptPurpose;
  /** Where it comes from: `sourceOf(address)`. */
  readonly source: string;
  /** The card was proven present: counted apart, so that a stranger's failures don't delay its holder. */
  readonly proven?: boolean;
}

type Queries = Pick<EntityManager, 'query'>;

interface Counter {
  counter: string;
  subject: string;
  policy: AttemptPolicy;
}

/**
 * Counts attempts in the table `attempt`. An attempt is counted before its check, in a transaction of its own, so that
 * neither a hundred at once nor a crash gives free guesses; success takes it back. Unknown cards are counted like known
 * ones, so the answer tells nothing about them.
 */
export class AttemptStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly policies: typeof ATTEMPT_POLICIES = ATTEMPT_POLICIES,
  ) {}

  /**
   * Counts the attempt, runs its check, and clears the counter when the check says true. A check that throws (tooBusy)
   * told nothing, and is not counted.
   *
   * @throws CaError  tooManyAttempts {retryAfterSeconds} | attemptsLocked
   */
  async check(attempt: Attempt, test: () => Promise<boolean>): Promise<boolean> {
    await this.begin(attempt);
    let right: boolean;
    try {
      right = await test();
    } catch (error) {
      await this.withdrawn(attempt);
      throw error;
    }
    if (right) await this.succeeded(attempt);
    return right;
  }

  /** @throws CaError  tooManyAttempts {retryAfterSeconds} | attemptsLocked */
  async begin(attempt: Attempt): Promise<void> {
    const now = this.clock.now();
    await this.dataSource.transaction(async (tx) => {
      // Always card before source: two attempts can't wait for each other.
      for (const counter of this.#countersOf(attempt)) await reserve(tx, counter, now);
    });
  }

  /** Clears the card's counter. The source only gets this attempt back: knowing one code earns no guesses at others. */
  async succeeded(attempt: Attempt): Promise<void> {
    const [card, source] = this.#countersOf(attempt);
    await this.#clear(card);
    await this.#giveBack(source);
  }

  /** The check did not take place: nothing was learnt. */
  async withdrawn(attempt: Attempt): Promise<void> {
    for (const counter of this.#countersOf(attempt)) await this.#giveBack(counter);
  }

  /**
   * An officer opens the door again, or another code has taken the place of the one that was guessed at.
   *
   * @param tx the transaction it belongs to
   */
  async unlock(cardNumber: string, purpose: AttemptPurpose, tx: Queries = this.dataSource): Promise<void> {
    for (const proven of [false, true]) {
      await this.#clear(this.#countersOf({ cardNumber, purpose, source: '', proven })[0], tx);
    }
  }

  /** Drops what is forgotten; locks stay. Answers how many rows went. */
  async prune(): Promise<number> {
    let dropped = 0;
    for (const [name, policy] of Object.entries(this.policies)) {
      const before = new Date(this.clock.nowMs() - policy.forgetAfterSeconds * 1_000);
      const [, count] = (await this.dataSource.query(
        'delete from attempt where counter = any($1) and last_at <= $2 and failures < $3',
        [[name, `${name}:proven`], before, policy.lockAfter ?? 2 ** 31 - 1],
      )) as [unknown, number];
      dropped += count;
    }
    return dropped;
  }

  #countersOf({ cardNumber, purpose, source, proven }: Attempt): [Counter, Counter] {
    const counter = proven ? `${purpose}:proven` : purpose;
    return [
      { counter, subject: cardNumber, policy: this.policies[purpose] },
      { counter: 'source', subject: source, policy: this.policies.source },
    ];
  }

  async #clear({ counter, subject }: Counter, tx: Queries = this.dataSource): Promise<void> {
    await tx.query('delete from attempt where counter = $1 and subject = $2', [counter, subject]);
  }

  async #giveBack({ counter, subject }: Counter): Promise<void> {
    await this.dataSource.query(
      'update attempt set failures = greatest(failures - 1, 0) where counter = $1 and subject = $2',
      [counter, subject],
    );
  }
}

/** Locks the counter's row, judges, and counts one more. */
async function reserve(tx: EntityManager, { counter, subject, policy }: Counter, now: Date): Promise<void> {
  const [row] = (await tx.query(
    `insert into attempt (counter, subject, failures, last_at) values ($1, $2, 0, $3)
     on conflict (counter, subject) do update set failures = attempt.failures
     returning failures, last_at`,
    [counter, subject, now],
  )) as [{ failures: number; last_at: Date }];
  const count = { failures: row.failures, lastAtMs: row.last_at.getTime() };
  const verdict = judge(policy, count, now.getTime());
  if (!verdict.allowed) {
    if ('locked' in verdict) throw new CaError('attemptsLocked', 'an officer must open this again');
    throw new CaError('tooManyAttempts', `wait ${verdict.waitSeconds} seconds`, {
      retryAfterSeconds: verdict.waitSeconds,
    });
  }
  const failures = isForgotten(policy, count, now.getTime()) ? 1 : count.failures + 1;
  await tx.query('update attempt set failures = $3, last_at = $4 where counter = $1 and subject = $2', [
    counter,
    subject,
    failures,
    now,
  ]);
}

/**
 * What counts as one source: an IPv4 address, or the /64 of an IPv6 address, which one line has to itself.
 * Anything else is one source, `unknown`.
 */
export function sourceOf(address: string | undefined): string {
  const plain = (address ?? '').replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  if (isIPv4(plain)) return plain;
  if (isIP(plain) === 0) return 'unknown';
  // The URL parser writes an address in the one form of RFC 5952.
  const [head = '', tail] = new URL(`http://[${plain}]/`).hostname.slice(1, -1).split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail ? tail.split(':') : [];
  const groups =
    tail === undefined ? front : [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
