import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore, openRecord, sealRecord } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { newCaseNumber } from '../applications/case-number.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { NoticesService } from '../notices/notices.service.js';
import type { Announcement, ReturnCase, ReturnLetter, ReturnProgress, ReturnQuery } from './return.schema.js';
import { listReturns, readReturn, type ReturnRow, viewOf, worthOf } from './return-rows.js';
import { nextReturnState } from './return-state.js';
import { type BothLanguages, replyWords, type SlipFacts, slipWords } from './return-words.js';
import { isSlipCode, newSlipCode, printedSlipCode, slipDigest } from './slip-code.js';

const DRAWS = 8;
const DAY_MS = 86_400_000;
/** Checked against when there is no such case. */
const NO_CASE = Buffer.alloc(32);

type Config = Pick<IssuanceConfig, 'dataKey' | 'returnContactDays' | 'hotlines'>;

/**
 * Cards that were sent in (DOMAIN.md §2). A slip announces one; the operator takes it in, identifies it, and sends it
 * back. What becomes of it is decided by two persons (`ReturnOutcomes`).
 */
@Injectable()
export class ReturnsService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly attempts: AttemptStore,
    private readonly notices: NoticesService,
    @Inject(ISSUANCE_CONFIG) private readonly config: Config,
  ) {}

  /** Any card number is taken, and nothing told of it: whoever asks may not be its holder. */
  async announce({
    cardNumber,
    errorMessage,
    contact,
  }: Announcement): Promise<{ caseNumber: string; slipCode: string; slip: BothLanguages }> {
    const now = this.clock.now();
    const slipCode = newSlipCode();
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const caseNumber = newCaseNumber(now, 'R');
      const sealed = await sealRecord(this.config.dataKey, recordOf(caseNumber), { errorMessage, contact });
      const inserted = await this.source.query<unknown[]>(
        `insert into card_return (case_number, card_number, code_digest, state, letter, announced_at)
         values ($1, $2, $3, 'announced', $4, $5) on conflict do nothing returning true`,
        [caseNumber, cardNumber, slipDigest(caseNumber, slipCode), sealed, now],
      );
      if (inserted.length === 0) continue;
      const facts = { caseNumber, slipCode, cardNumber, errorMessage, contact };
      return { caseNumber, slipCode, slip: slipWords(facts, this.config.hotlines) };
    }
    throw new Error('no free case number was drawn');
  }

  /**
   * The same answer for a wrong code and for a case that there is not.
   *
   * @param source `sourceOf` the caller's address
   * @throws CaError codeRefused | tooManyAttempts
   */
  async progress(caseNumber: string, slipCode: string, source: string): Promise<ReturnProgress> {
    const row = await this.prove(caseNumber, slipCode, source);
    const { state, outcome, receivedAt, sentBackAt, registeredMail, newCaseNumber: replacement } = viewOf(row);
    return { caseNumber, state, outcome, receivedAt, sentBackAt, registeredMail, newCaseNumber: replacement };
  }

  /**
   * What the slip says, once more, until its letter is erased.
   *
   * @throws CaError those of `progress`, notFound
   */
  async slip(caseNumber: string, slipCode: string, source: string): Promise<SlipFacts & { announcedAt: Date }> {
    const row = await this.prove(caseNumber, slipCode, source);
    if (row.letter === null) throw new CaError('notFound', 'what the slip said is erased');
    const letter = (await openRecord(this.config.dataKey, recordOf(caseNumber), row.letter)) as ReturnLetter;
    const printed = { slipCode: printedSlipCode(slipCode), cardNumber: row.cardNumber, announcedAt: row.announcedAt };
    return { caseNumber, ...printed, ...letter };
  }

  private async prove(caseNumber: string, slipCode: string, source: string): Promise<ReturnRow> {
    const row = await readReturn(this.source, caseNumber).catch(() => undefined);
    const attempt = { cardNumber: caseNumber, purpose: 'progress', source } as const;
    const right = await this.attempts.check(attempt, () =>
      Promise.resolve(isSlipCode(row?.codeDigest ?? NO_CASE, caseNumber, slipCode)),
    );
    if (!row || !right) throw new CaError('codeRefused', 'the case number or the slip’s code is not right');
    return row;
  }

  async list(query: ReturnQuery): Promise<{ items: ReturnCase[]; next: string | null }> {
    const rows = await listReturns(this.source, { ...query, limit: query.limit + 1 });
    const items = rows.slice(0, query.limit).map(viewOf);
    return { items, next: rows.length > query.limit ? items.at(-1)!.caseNumber : null };
  }

  /** With the letter, and the words of the one that goes back. @throws CaError notFound */
  async file(caseNumber: string): Promise<ReturnCase & { letter: ReturnLetter | null; reply: BothLanguages | null }> {
    const row = await readReturn(this.source, caseNumber);
    const { cardNumber, outcome, newCaseNumber: replacement } = row;
    const letter =
      row.letter === null
        ? null
        : ((await openRecord(this.config.dataKey, recordOf(caseNumber), row.letter)) as ReturnLetter);
    if (outcome === null) return { ...viewOf(row), letter, reply: null };
    const { accepted } = await worthOf(this.source, cardNumber);
    const reply = replyWords({ caseNumber, cardNumber, outcome, newCaseNumber: replacement, accepted });
    return { ...viewOf(row), letter, reply };
  }

  /**
   * The card lies here. Its printed number counts, not what the slip says. Repeated: the same answer.
   *
   * @throws CaError notFound | unknownCard (none of this number was issued here) | conflict (state, or another case has it)
   */
  receive(caseNumber: string, cardNumber: string, by: string): Promise<ReturnCase> {
    return this.change(caseNumber, async (tx, row) => {
      if (row.state !== 'announced' && row.cardNumber === cardNumber) return;
      const state = nextReturnState(row, 'receive');
      await worthOf(tx, cardNumber);
      await lockCardHere(tx, cardNumber);
      const [other] = await tx.query<{ case_number: string }[]>(
        `select case_number from card_return
         where card_number = $1 and state in ('received', 'identified', 'decided')`,
        [cardNumber],
      );
      if (other) {
        throw new CaError('conflict', 'this card lies here under another case', { caseNumber: other.case_number });
      }
      const now = this.clock.now();
      await tx.query(
        'update card_return set state = $2, card_number = $3, received_at = $4, received_by = $5 where case_number = $1',
        [caseNumber, state, cardNumber, now, by],
      );
      const content = { kind: 'card-return-received', at: now.toISOString() } as const;
      await this.notices.record(tx, { id: randomUUID(), cardNumber, content });
    });
  }

  /**
   * A dead card proves nothing: somebody compares the number printed on it. Of others acceptance tells when 9E has proved
   * them. Repeated: the same answer.
   *
   * @throws CaError notFound | conflict
   */
  identifyByNumber(caseNumber: string, cardNumber: string, by: string): Promise<ReturnCase> {
    return this.change(caseNumber, async (tx, row) => {
      if (row.state === 'identified') return;
      const state = nextReturnState(row, 'identify');
      if (row.cardNumber !== cardNumber) throw new CaError('conflict', 'another number is printed on this card');
      await tx.query(
        `update card_return set state = $2, identified_at = $3, identified_how = 'number', identified_by = $4
         where case_number = $1`,
        [caseNumber, state, this.clock.now(), by],
      );
    });
  }

  /** Repeated with the same number: the same answer. @throws CaError notFound | conflict */
  sendBack(caseNumber: string, registeredMail: string, by: string): Promise<ReturnCase> {
    return this.change(caseNumber, async (tx, row) => {
      if (row.state === 'sent-back' && row.registeredMail === registeredMail) return;
      const state = nextReturnState(row, 'send-back');
      const now = this.clock.now();
      await tx.query(
        `update card_return set state = $2, registered_mail = $3, sent_back_at = $4, sent_back_by = $5
         where case_number = $1`,
        [caseNumber, state, registeredMail, now, by],
      );
      const outcome = row.outcome === 'unlocked' ? 'unlocked' : 'found-sound';
      const content = { kind: 'card-sent-back', at: now.toISOString(), outcome, registeredMail } as const;
      await this.notices.record(tx, { id: randomUUID(), cardNumber: row.cardNumber, content });
    });
  }

  /** Letters of cases that ended, or of slips whose card never came, so many days ago. @returns how many were erased */
  async eraseLetters(): Promise<number> {
    const now = this.clock.now();
    const before = new Date(now.getTime() - this.config.returnContactDays * DAY_MS);
    const [, count] = await this.source.query<[unknown, number]>(
      `update card_return set letter = null, erased_at = $1
       where letter is not null and (sent_back_at < $2 or (state = 'announced' and announced_at < $2))`,
      [now, before],
    );
    return count;
  }

  private change(caseNumber: string, work: (tx: EntityManager, row: ReturnRow) => Promise<void>): Promise<ReturnCase> {
    return this.source.transaction(async (tx) => {
      await work(tx, await readReturn(tx, caseNumber, true));
      return viewOf(await readReturn(tx, caseNumber));
    });
  }
}

/** One after the other asks whether a card lies here. */
async function lockCardHere(tx: EntityManager, cardNumber: string): Promise<void> {
  await tx.query('select 1 from card where card_number = $1 for update', [cardNumber]);
}

const recordOf = (id: string) => ({ table: 'card_return', id });
