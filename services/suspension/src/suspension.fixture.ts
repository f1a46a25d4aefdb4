import { randomBytes, randomUUID } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { Clock, systemClock } from '#libs/clock';
import {
  ATTEMPT_POLICIES,
  AttemptStore,
  type CodeHasher,
  ensureKeyPair,
  Pepper,
  sealCredential,
  type KeyPair,
} from '#libs/credentials';
import { setLogClock, type TestDatabase, type TestService } from '#libs/database';
import { DualControl } from '#libs/dual-control';
import { type EventData, type StatusRow } from '#libs/events';
import { createLogger } from '#libs/host';
import { Idempotency } from '#libs/idempotency';
import { Outbox } from '#libs/messaging';
import { lockCard } from './card.js';
import { CardChanges, type ReceiptedCommand } from './card-changes.js';
import { DefectiveCards } from './defective-cards.js';
import { DeadlineSettings, type DeadlineAction } from './deadline/acceptance-deadline.js';
import { DeadlineService } from './deadline/deadline.service.js';
import { MIGRATIONS } from './migrations/index.js';
import { OfficerCommands } from './officers/officer-commands.js';
import type { RevocationBody } from './officers/officers.schema.js';
import { OfficersService } from './officers/officers.service.js';
import { RevocationsService } from './officers/revocations.service.js';
import { Receipts } from './receipts.js';
import { StatusLog } from './status-log.js';
import { SuspensionService } from './suspension.service.js';
import { UserCodes } from './user-codes.js';

export const SKI = 'AB'.repeat(20);
export const CODE = 'Kaika#2026';

/** A code is its own verifier: scrypt has its own tests. */
export const plainHasher = {
  verify: (verifier: string | undefined, code: string) => Promise.resolve(verifier === code),
} as CodeHasher;

/** The service's parts on a real database, without Nest and without a bus. */
export class Bench {
  readonly clock = new Clock();
  readonly log: StatusLog;
  readonly receipts: Receipts;
  readonly userCodes: UserCodes;
  readonly changes: CardChanges;
  readonly defective: DefectiveCards;
  readonly suspension: SuspensionService;
  readonly officers: OfficersService;
  readonly revocations: RevocationsService;

  private constructor(
    readonly db: TestService,
    readonly key: KeyPair,
    hasher: CodeHasher,
  ) {
    const free = { ...ATTEMPT_POLICIES.suspend, free: 1_000_000 };
    const policies = { ...ATTEMPT_POLICIES, suspend: free, resume: free, source: free };
    this.log = new StatusLog(db.source, new Outbox(db.source));
    this.receipts = new Receipts(db.source);
    this.userCodes = new UserCodes(db.source, new AttemptStore(db.source, this.clock, policies), hasher, key);
    this.changes = new CardChanges(this.log, this.receipts);
    this.defective = new DefectiveCards(this.changes);
    const idempotency = new Idempotency(this.clock);
    const pepper = new Pepper(randomBytes(32));
    const deadline = new DeadlineSettings(90, 'hold');
    this.suspension = new SuspensionService(db.source, this.changes, this.userCodes, idempotency, pepper, deadline);
    const commands = new OfficerCommands(db.source, idempotency, pepper);
    this.officers = new OfficersService(commands, this.changes, this.receipts);
    const dualControl = new DualControl(this.clock);
    this.revocations = new RevocationsService(db.source, commands, dualControl, this.changes, this.receipts);
  }

  /** One look at the acceptance deadlines. */
  look(action: DeadlineAction = 'hold', days = 90): Promise<void> {
    const settings = new DeadlineSettings(days, action);
    const log = createLogger('silent');
    return new DeadlineService(this.source, this.changes, new Outbox(this.source), settings, log).look();
  }

  static async open(database: TestDatabase, keyFile: string, hasher = plainHasher): Promise<Bench> {
    return new Bench(await database.service('suspension', MIGRATIONS), await ensureKeyPair(keyFile), hasher);
  }

  get source(): DataSource {
    return this.db.source;
  }

  /** Moves both clocks, this process's and the database's. */
  async moveTo(at: Date): Promise<void> {
    const offsetMs = at.getTime() - systemClock().nowMs();
    await setLogClock(this.db.ownerUrl, this.db.schema, offsetMs);
    this.clock.set(offsetMs);
  }

  /** A card that is known, with a user code. */
  async card(card: EventData<'certificate.issued'> = issued(), code = CODE): Promise<string> {
    const sealed = await sealCredential([this.key.publicJwk], {
      cardNumber: card.cardNumber,
      generation: 1,
      verifier: code,
    });
    await this.source.transaction(async (tx) => {
      await this.suspension.track(tx, card);
      await this.userCodes.replace(tx, sealed);
    });
    return card.cardNumber;
  }

  suspend(cardNumber: string, userCode = CODE, key?: string) {
    return this.suspension.command('suspend', { cardNumber, userCode, source: 'test' }, key);
  }

  resume(cardNumber: string, userCode = CODE, key?: string) {
    return this.suspension.command('resume', { cardNumber, userCode, source: 'test' }, key);
  }

  accept(cardNumber: string) {
    return this.suspension.accept(cardNumber, randomUUID());
  }

  /** A command without the door in front of it. */
  order(cardNumber: string, command: ReceiptedCommand) {
    return this.transaction(async (tx) => {
      const card = await lockCard(tx, cardNumber);
      return this.changes.withReceipt(tx, card!, command);
    });
  }

  /** Anna asks, Ben approves. */
  async revoke(cardNumber: string, body: RevocationBody = { reason: 'keyCompromise', ground: 'stolen' }, by = 'ben') {
    const request = await this.revocations.request({ cardNumber, by: 'anna' }, body);
    return 'list' in request ? request : (await this.revocations.approve(request.id, by)).receipt;
  }

  transaction<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.source.transaction(work);
  }

  async rows(): Promise<StatusRow[]> {
    return (await this.log.read(0, 1_000_000)).rows;
  }

  async count(table: string): Promise<number> {
    const [row] = (await this.source.query(`select count(*)::int as n from ${table}`)) as [{ n: number }];
    return row.n;
  }
}

let cards = 0;

export function issued(change: Partial<EventData<'certificate.issued'>> = {}): EventData<'certificate.issued'> {
  const serial = () => `1${randomBytes(16).toString('hex').toUpperCase().slice(1)}`;
  return {
    cardNumber: `TT${String((cards += 1)).padStart(14, '0')}`,
    cardUuid: randomUUID(),
    way: 'A',
    serials: { signature: serial(), encryption: serial() },
    issuerSki: SKI,
    subject: 'O=開卡測試股份有限公司,C=TW',
    name: '開卡測試股份有限公司',
    ubn: '04595257',
    rank: 'primary',
    notBefore: '2025-01-01T00:00:00Z',
    notAfter: '2036-01-01T15:59:59Z',
    certificates: { signature: 'AA==', encryption: 'AA==', cardAuthentication: 'AA==' },
    ...change,
  };
}
