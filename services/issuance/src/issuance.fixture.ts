import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { ensureKeyPair, ensureSecretFile, type KeyPair } from '#libs/credentials';
import { migrate, provision, type TestDatabase } from '#libs/database';
import { issueToken, type Role, SERVICE_ISSUER } from '#libs/doors';
import { type EventData, type EventOf, type EventType, newEvent, parseEvent, topicOf } from '#libs/events';
import { createService, type RunningService } from '#libs/host';
import { BUS_MIGRATIONS, Consumer } from '#libs/messaging';
import { type Authority, ceremony } from '#libs/pki';
import { VirtualCardStore } from '#libs/virtual-card';
import { issuance } from './index.js';
import { IssuanceHandlers } from './issuance.handlers.js';

export const USER_CODE = 'Kaika#2026';
export const NATIONAL_ID = 'A123456789';
const ISSUER = 'http://issuer.example';

export interface Answer {
  status: number;
  body: Record<string, unknown>;
  headers: Headers;
}

export interface Call {
  body?: unknown;
  /** The body as it is, instead of `body`. */
  raw?: string;
  role?: Role;
  subject?: string;
  headers?: Record<string, string>;
}

/** A company that can be issued to; every field as the form has it. */
export const application = (changes: Record<string, unknown> = {}) => ({
  kind: 'company',
  name: '開卡示範股份有限公司',
  ubn: '12345675',
  certificateEmail: 'cert@example.com',
  representative: { name: '林測試', nationalId: NATIONAL_ID },
  contact: { name: '陳測試', email: 'contact@example.com', phone: '02-2345-6789', address: '臺北市測試路一號' },
  userCode: USER_CODE,
  ...changes,
});

/** The service as it runs, on a database of its own, with a small authority and virtual cards. */
export class IssuanceBench {
  /** In memory where there is a place for it: a card syncs every write to its disk. */
  readonly dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kaika-issuance-'));
  readonly clock = new Clock();
  authority!: Authority;
  service!: RunningService;
  /** Everything that was logged, at the finest level. */
  log = '';
  recipients!: { acceptance: KeyPair; suspension: KeyPair };
  ownKey!: KeyPair;
  #issuer!: KeyPair;
  #base = '';
  #nextCard = 1;

  static async start(database: TestDatabase, settings: NodeJS.ProcessEnv = {}): Promise<IssuanceBench> {
    const bench = new IssuanceBench();
    const env = { ...(await bench.settings(database)), ...settings };
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        bench.log += String(chunk);
        done();
      },
    });
    bench.service = await createService('issuance', await issuance.module(env), {
      log: pino({ level: 'trace' }, stream),
      clock: bench.clock,
      tokens: { issuer: ISSUER, jwksFile: bench.file('jwks.json'), serviceJwksFile: bench.file('jwks.json') },
    });
    await bench.service.app.listen(0, '127.0.0.1');
    bench.#base = `http://127.0.0.1:${(bench.service.app.getHttpServer().address() as AddressInfo).port}`;
    return bench;
  }

  async stop(): Promise<void> {
    await this.service?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async settings(database: TestDatabase): Promise<NodeJS.ProcessEnv> {
    const bus = await provision(database.url, 'bus', { owner: 'o', app: 'a' });
    await migrate({ ownerUrl: bus.ownerUrl, schema: 'bus', migrations: BUS_MIGRATIONS });
    const own = await provision(database.url, 'issuance', { owner: 'o', app: 'a' });
    await migrate({ ownerUrl: own.ownerUrl, schema: 'issuance', migrations: [...issuance.migrations] as never });
    this.authority = await ceremony({
      dir: this.file('authority'),
      publicUrl: 'http://ca.example',
      clock: this.clock,
      keys: { root: 'p-384', issuing: 'p-384', card: 'p-256' },
      log: () => undefined,
    });
    for (const name of ['pepper', 'data-key', 'master', 'puk-master', 'management-master'])
      ensureSecretFile(this.file(name));
    this.recipients = {
      acceptance: await ensureKeyPair(this.file('acceptance')),
      suspension: await ensureKeyPair(this.file('suspension')),
    };
    this.ownKey = await ensureKeyPair(this.file('issuance'));
    this.#issuer = await ensureKeyPair(this.file('issuer'), 'Ed25519');
    writeFileSync(this.file('jwks.json'), JSON.stringify({ keys: [this.#issuer.publicJwk] }));
    return {
      DATABASE_URL: own.appUrl,
      KAIKA_BUS_URL: bus.appUrl,
      KAIKA_AUTHORITY_DIR: this.file('authority'),
      KAIKA_PEPPER_FILE: this.file('pepper'),
      KAIKA_DATA_KEY_FILE: this.file('data-key'),
      KAIKA_TRANSPORT_MASTER_FILE: this.file('master'),
      KAIKA_PUK_MASTER_FILE: this.file('puk-master'),
      KAIKA_MANAGEMENT_MASTER_FILE: this.file('management-master'),
      KAIKA_ACCEPTANCE_PUBLIC_KEY_FILE: this.file('acceptance.pub'),
      KAIKA_SUSPENSION_PUBLIC_KEY_FILE: this.file('suspension.pub'),
      KAIKA_CREDENTIAL_KEY_FILE: this.file('issuance'),
      KAIKA_VIRTUAL_CARDS_DIR: this.file('cards'),
    };
  }

  file(name: string): string {
    return join(this.dir, name);
  }

  get source(): DataSource {
    return this.service.app.get(DataSource);
  }

  get cards(): VirtualCardStore {
    return this.service.app.get(VirtualCardStore);
  }

  newCardNumber(): string {
    return `TT${String(this.#nextCard++).padStart(14, '0')}`;
  }

  token(role: Role, subject = 'wang'): Promise<string> {
    return issueToken(this.#issuer, {
      issuer: role === 'service' ? SERVICE_ISSUER : ISSUER,
      subject,
      roles: [role],
      lifetimeSeconds: 60,
    });
  }

  async call(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    { body, raw, role, subject, headers = {} }: Call = {},
  ): Promise<Answer> {
    const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(this.#base + path, {
      method,
      headers: {
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...(role && { authorization: `Bearer ${await this.token(role, subject)}` }),
        ...headers,
      },
      ...(text !== undefined && { body: text }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const json = response.headers.get('content-type')?.includes('json');
    const parsed: unknown = json ? JSON.parse(bytes.toString()) : { bytes };
    return { status: response.status, body: parsed as Record<string, unknown>, headers: response.headers };
  }

  apply(changes: Record<string, unknown> = {}, headers: Record<string, string> = {}): Promise<Answer> {
    return this.call('POST', '/api/v1/applications', { body: application(changes), headers });
  }

  approve(caseNumber: unknown): Promise<Answer> {
    return this.call('POST', `/api/v1/applications/${String(caseNumber)}/approval`, {
      body: {},
      role: 'application-officer',
    });
  }

  operate(path: string, body?: unknown): Promise<Answer> {
    return this.call(body === undefined ? 'GET' : 'POST', `/api/v1${path}`, { body, role: 'ca-operator' });
  }

  async stock(count: number): Promise<string[]> {
    const cardNumbers = Array.from({ length: count }, () => this.newCardNumber());
    const { status } = await this.operate('/card-stock', { cardNumbers });
    if (status !== 201) throw new Error(`adding to stock answered ${status}`);
    return cardNumbers;
  }

  /** A card that waits for its personalisation. */
  async assignedCard(changes: Record<string, unknown> = {}): Promise<string> {
    await this.stock(1);
    const { body } = await this.apply(changes);
    const { body: approved, status } = await this.approve(body['caseNumber']);
    if (status !== 200) throw new Error(`approval answered ${status}`);
    return approved['cardNumber'] as string;
  }

  /** The same without HTTP and scrypt: a copy of another's application, under its own number. */
  async quickCard(like: string): Promise<string> {
    const cardNumber = this.newCardNumber();
    await this.cards.create(cardNumber);
    await this.source.query(
      `with copy as (
         insert into application
         select (jsonb_populate_record(a, jsonb_build_object('case_number', 'copy for ' || $1))).*
         from application a join card c using (case_number) where c.card_number = $2
         returning case_number
       )
       insert into card (card_number, state, case_number, added_at, assigned_at)
       select $1, 'assigned', case_number, $3, $3 from copy`,
      [cardNumber, like, this.clock.now()],
    );
    return cardNumber;
  }

  /** Lets the service react to an event, as from the bus. @returns the event */
  async receive<T extends EventType>(
    type: T,
    data: EventData<T>,
    changes: Partial<EventOf<T>> = {},
  ): Promise<EventOf<T>> {
    const { cardNumber } = data as { cardNumber: string };
    const event = { ...newEvent(type, cardNumber, data, { source: 'test', now: this.clock.now() }), ...changes };
    const { app } = this.service;
    await app
      .get(Consumer)
      .receive(
        { topic: topicOf(type), key: cardNumber, value: JSON.stringify(event), id: event.id },
        app.get(IssuanceHandlers).on,
      );
    return event;
  }

  /** Every table of the service as text. */
  async everythingStored(): Promise<string> {
    const tables = await this.source.query<{ table_name: string }[]>(
      `select table_name from information_schema.tables where table_schema = 'issuance' and table_name <> 'migration'`,
    );
    const rows = await Promise.all(
      tables.map(({ table_name }) => this.source.query(`select to_jsonb(t) from "${table_name}" t`)),
    );
    return JSON.stringify(rows);
  }

  /** Events in the order of the outbox. */
  async events<T extends EventType>(type: T, key?: string): Promise<EventOf<T>[]> {
    const rows = await this.source.query<{ value: string }[]>(
      'select value from outbox where ($1::text is null or key = $1) order by id',
      [key ?? null],
    );
    return rows.map(({ value }) => parseEvent(value)!).filter((event) => event.type === type) as EventOf<T>[];
  }
}
