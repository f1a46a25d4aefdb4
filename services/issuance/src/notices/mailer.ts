import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Clock, Rounds } from '#libs/clock';
import { openRecord } from '#libs/credentials';
import { LOG } from '#libs/host';
import { counter } from '#libs/metrics';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { Contacts } from './contacts.js';
import { writeLetter } from './letter.js';
import type { NoticeContent, NoticeState } from './notice.js';
import { type Delivery, SmtpTransport } from './smtp.js';

/** How often due notices are looked for when nobody wakes us. */
const LOOK_EVERY_MS = 15_000;
/** Longer than a delivery can take: a claimed notice whose process was killed is due again. */
const LEASE_MS = 300_000;
const FIRST_RETRY_MS = 30_000;
const LAST_RETRY_MS = 6 * 3_600_000;
const UNREACHABLE_MS = 60_000;
/** About two days with the waits above. */
const MAX_ATTEMPTS = 14;
/** An address may come after the event that the notice is of: they travel on different topics. */
const ADDRESS_WAIT_MS = 600_000;
const NO_ADDRESS_RETRY_MS = 20_000;

const deliveries = () =>
  counter('kaika_notice_deliveries_total', 'What the mail server made of notices', ['outcome'] as const);

interface Claimed {
  id: string;
  /** Of a card, or else of an application. */
  cardNumber: string | null;
  caseNumber: string | null;
  content: NoticeContent;
  secret: string | null;
  recordedAt: Date;
  expiresAt: Date | null;
  attempts: number;
}

/**
 * Sends due notices. An attempt is counted and committed before it is made, and the notice is done when the server has
 * taken it: killed in between, it is sent again under the same Message-ID (at least once on the wire). While the server
 * cannot be reached nothing is counted and nothing is given up.
 */
@Injectable()
export class Mailer implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #rounds: Rounds;
  readonly #smtp?: SmtpTransport;

  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly contacts: Contacts,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'dataKey' | 'mail'>,
    @Inject(LOG) private readonly log: Logger,
  ) {
    if (config.mail) this.#smtp = new SmtpTransport(config.mail);
    const work = (signal: AbortSignal) => this.sendDue(signal);
    this.#rounds = new Rounds({ what: 'sending notices', work, waitMs: () => LOOK_EVERY_MS, clock, log });
  }

  onApplicationBootstrap(): void {
    if (this.#smtp) this.#rounds.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#rounds.stop();
    this.#smtp?.close();
  }

  wake(): void {
    this.#rounds.wake();
  }

  private async sendDue(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const notice = await this.claim();
      if (!notice || (await this.attempt(notice)) === 'unreachable') return;
    }
  }

  private async claim(): Promise<Claimed | undefined> {
    const now = this.clock.now();
    const [rows] = await this.source.query<[Claimed[], number]>(
      `update notice set attempts = attempts + 1, next_attempt_at = $2
       where id = (select id from notice where state = 'due' and next_attempt_at <= $1
                   order by next_attempt_at, id limit 1 for update skip locked)
       returning id, card_number as "cardNumber", case_number as "caseNumber", content, secret, recorded_at as "recordedAt",
                 expires_at as "expiresAt", attempts`,
      [now, new Date(now.getTime() + LEASE_MS)],
    );
    return rows[0];
  }

  private async attempt(notice: Claimed): Promise<Delivery['outcome'] | 'done'> {
    const now = this.clock.now();
    if (notice.expiresAt && notice.expiresAt <= now) return this.done(notice, 'expired');
    const { cardNumber, caseNumber } = notice;
    const contact = await (cardNumber === null
      ? this.contacts.ofApplication(caseNumber!)
      : this.contacts.of(cardNumber));
    if (!contact?.email) return this.withoutAddress(notice, now);
    const { name, email } = contact;
    const options = { hotlines: this.config.mail!.hotlines, code: await this.codeOf(notice) };
    const letter = writeLetter(notice.content, { name, cardNumber, caseNumber }, options);
    const delivery = await this.#smtp!.send({ id: notice.id, to: email, date: now, ...letter });
    deliveries().inc({ outcome: delivery.outcome });
    await this.settle(notice, delivery);
    return delivery.outcome;
  }

  private async settle(notice: Claimed, delivery: Delivery): Promise<void> {
    if (delivery.outcome === 'sent') return void (await this.done(notice, 'sent'));
    const { outcome, problem } = delivery;
    if (outcome === 'unreachable') {
      this.log.warn({ notice: notice.id, problem }, 'the mail server cannot be used');
      return this.later(notice, UNREACHABLE_MS, { problem, attempts: notice.attempts - 1 });
    }
    this.log.warn({ notice: notice.id, problem }, 'a notice was not taken by the mail server');
    if (outcome === 'refused' || notice.attempts >= MAX_ATTEMPTS)
      return void (await this.done(notice, 'refused', problem));
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** (notice.attempts - 1), LAST_RETRY_MS);
    return this.later(notice, waitMs, { problem, attempts: notice.attempts });
  }

  private async withoutAddress(notice: Claimed, now: Date): Promise<'done'> {
    if (now.getTime() - notice.recordedAt.getTime() > ADDRESS_WAIT_MS) return this.done(notice, 'no-address');
    await this.later(notice, NO_ADDRESS_RETRY_MS, { problem: 'no address', attempts: notice.attempts - 1 });
    return 'done';
  }

  private async codeOf({ id, secret }: Claimed): Promise<string | undefined> {
    if (secret === null) return undefined;
    const opened = await openRecord(this.config.dataKey, { table: 'notice', id }, secret);
    return (opened as { code: string }).code;
  }

  private async done({ id }: Claimed, state: NoticeState, problem?: string): Promise<'done'> {
    await this.source.query(
      `update notice set state = $2, done_at = $3, problem = $4, secret = null where id = $1 and state = 'due'`,
      [id, state, this.clock.now(), problem ?? null],
    );
    return 'done';
  }

  private async later({ id }: Claimed, waitMs: number, { problem, attempts }: { problem: string; attempts: number }) {
    await this.source.query(
      `update notice set next_attempt_at = $2, problem = $3, attempts = $4 where id = $1 and state = 'due'`,
      [id, new Date(this.clock.nowMs() + waitMs), problem, attempts],
    );
  }
}
