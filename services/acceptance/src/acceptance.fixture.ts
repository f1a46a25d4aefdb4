import { createPublicKey, type KeyObject } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll } from '@jest/globals';
import { Client } from 'pg';
import pino from 'pino';
import { Clock } from '#libs/clock';
import {
  CodeHasher,
  derivePuk,
  deriveTransportPin,
  ensureKeyPair,
  ensureSecretKey,
  Pepper,
  openCredential,
  openSealed,
  representativeText,
  sealCredential,
  type KeyPair,
} from '#libs/credentials';
import { migrate, provision, type TestDatabase, withTestDatabase } from '#libs/database';
import {
  type EventData,
  type EventType,
  newEvent,
  parseEvent,
  SEALED_PAYLOADS,
  sealedContext,
  type SealedPayload,
  type SealedType,
  topicOf,
} from '#libs/events';
import { issueToken, type Role } from '#libs/doors';
import { createService, type RunningService } from '#libs/host';
import { BUS_MIGRATIONS, Consumer, EmbeddedLog } from '#libs/messaging';
import { FACTORY_PUK } from '#libs/piv';
import { sampleCard, type SampleCard, type SampleOptions, VirtualCardStore } from '#libs/virtual-card';
import { AcceptanceHandlers } from './acceptance.handlers.js';
import { FakeCentre } from './centre.fixture.js';
import { Holder, ORIGIN, type Started } from './holder.fixture.js';
import { acceptance } from './index.js';

export const USER_CODE = 'Kaika#2026';
/** Of the cards of way B, as the holder types it. */
export const REPRESENTATIVE = { nationalId: 'A123456789', birthDate: '0760221' };
export const FORM = {
  ...REPRESENTATIVE,
  email: 'contact@example.com',
  newUserCode: 'Set#2026',
  newUserCodeAgain: 'Set#2026',
};

const ISSUER = 'http://issuer.example';

type IssueOptions = SampleOptions & { way?: 'A' | 'B'; nationalId?: string };

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** The service as it runs, on a database of its own, beside a centre that can be told to fail. */
export class AcceptanceBench {
  readonly dir = mkdtempSync(join(tmpdir(), 'kaika-acceptance-'));
  readonly clock = new Clock();
  readonly centre = new FakeCentre();
  readonly cards = new VirtualCardStore(join(this.dir, 'cards'));
  service!: RunningService;
  /** Everything logged, at the finest level. */
  log = '';
  /** With the owner's rights. */
  #owner!: Client;
  #base = '';
  #busUrl = '';
  #jobKey!: KeyPair;
  #issuer!: KeyPair;
  #credentialKey!: KeyPair;
  #keys!: Record<'issuance' | 'suspension', KeyPair>;
  #nextCard = 1;

  static async start(database: TestDatabase, settings: NodeJS.ProcessEnv = {}): Promise<AcceptanceBench> {
    const bench = new AcceptanceBench();
    const env = { ...(await bench.settings(database)), ...settings };
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        bench.log += String(chunk);
        done();
      },
    });
    bench.service = await createService('acceptance', await acceptance.module(env), {
      log: pino({ level: 'trace' }, stream),
      clock: bench.clock,
      tokens: { issuer: ISSUER, jwksFile: join(bench.dir, 'jwks.json') },
    });
    await bench.service.app.listen(0, '127.0.0.1');
    bench.#base = `http://127.0.0.1:${(bench.service.app.getHttpServer().address() as AddressInfo).port}/api/v1`;
    return bench;
  }

  async stop(): Promise<void> {
    await this.service.close();
    await this.centre.close();
    await this.#owner.end();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async settings(database: TestDatabase): Promise<NodeJS.ProcessEnv> {
    const file = (name: string) => join(this.dir, name);
    const bus = await provision(database.url, 'bus', { owner: 'o', app: 'a' });
    await migrate({ ownerUrl: bus.ownerUrl, schema: 'bus', migrations: BUS_MIGRATIONS });
    this.#busUrl = bus.appUrl;
    const own = await provision(database.url, 'acceptance', { owner: 'o', app: 'a' });
    await migrate({ ownerUrl: own.ownerUrl, schema: 'acceptance', migrations: [...acceptance.migrations] as never });
    this.#owner = new Client({ connectionString: own.ownerUrl });
    await this.#owner.connect();
    this.#jobKey = await ensureKeyPair(file('job'), 'Ed25519');
    this.#credentialKey = await ensureKeyPair(file('credential'));
    this.#keys = {
      issuance: await ensureKeyPair(file('issuance')),
      suspension: await ensureKeyPair(file('suspension')),
    };
    await ensureKeyPair(file('service'), 'Ed25519');
    Pepper.ensure(file('pepper'));
    ensureSecretKey(file('master'));
    ensureSecretKey(file('puk-master'));
    this.#issuer = await ensureKeyPair(file('issuer'), 'Ed25519');
    writeFileSync(file('jwks.json'), JSON.stringify({ keys: [this.#issuer.publicJwk] }));
    return {
      DATABASE_URL: own.appUrl,
      KAIKA_BUS_URL: bus.appUrl,
      KAIKA_SUSPENSION_URL: await this.centre.listen(),
      KAIKA_SERVICE_KEY_FILE: file('service'),
      KAIKA_PORTAL_ORIGINS: `http://other.example,${ORIGIN}`,
      KAIKA_PEPPER_FILE: file('pepper'),
      KAIKA_CREDENTIAL_KEY_FILE: file('credential'),
      KAIKA_ISSUANCE_PUBLIC_KEY_FILE: file('issuance.pub'),
      KAIKA_SUSPENSION_PUBLIC_KEY_FILE: file('suspension.pub'),
      KAIKA_TRANSPORT_MASTER_FILE: file('master'),
      KAIKA_PUK_MASTER_FILE: file('puk-master'),
      KAIKA_JOB_KEY_FILE: file('job'),
    };
  }

  /** What agents check PIN jobs with. */
  get jobKey(): KeyObject {
    return createPublicKey(this.#jobKey.privateKey as never);
  }

  async sql<T = Record<string, unknown>>(statement: string, values: unknown[] = []): Promise<T[]> {
    return (await this.#owner.query(statement, values)).rows as T[];
  }

  /** Makes the database refuse one kind of write until the answer is called. */
  async refuseWrites(
    table: string,
    operation: 'insert' | 'update' | 'delete',
    when = 'true',
  ): Promise<() => Promise<void>> {
    await this.sql(`create or replace function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'told to fail'; end $$`);
    await this.sql(
      `create trigger refuse before ${operation} on ${table} for each row when (${when}) execute function refuse()`,
    );
    return async () => void (await this.sql(`drop trigger refuse on ${table}`));
  }

  newCardNumber(): string {
    return `TT${String(this.#nextCard++).padStart(14, '0')}`;
  }

  /** A card as the centre sends it out: personalised, its transport PIN set. The service knows nothing of it yet. */
  async makeCard(options: SampleOptions = {}): Promise<Holder> {
    const sample = await sampleCard(this.cards, this.newCardNumber(), options);
    const { cardUuid, cardNumber } = sample;
    const master = ensureSecretKey(join(this.dir, 'master'));
    const transportPin = deriveTransportPin({ master, keyVersion: 1, generation: 1, cardUuid, cardNumber });
    const holder = await new Holder(sample, transportPin, this.cards).powerOn();
    await holder.changePin(sample.transportPin, transportPin);
    await holder.changePuk(FACTORY_PUK, this.pukOf(holder, 1));
    return holder;
  }

  /** As the centre derives it. */
  pukOf({ sample: { cardUuid, cardNumber } }: Holder, generation: number): string {
    const master = ensureSecretKey(join(this.dir, 'puk-master'));
    return derivePuk({ master, keyVersion: 1, generation, cardUuid, cardNumber });
  }

  transportPinOf({ sample: { cardUuid, cardNumber } }: Holder, generation: number): string {
    const master = ensureSecretKey(join(this.dir, 'master'));
    return deriveTransportPin({ master, keyVersion: 1, generation, cardUuid, cardNumber });
  }

  /** One that the service knows, with what its way asks for. */
  async issueCard({ way = 'A', nationalId, ...options }: IssueOptions = {}): Promise<Holder> {
    const holder = await this.makeCard(options);
    const { cardNumber } = holder.sample;
    await this.deliver('certificate.issued', issuedOf(holder.sample, way));
    const asked = way === 'A' ? this.credential(cardNumber, USER_CODE) : this.representative(cardNumber, nationalId);
    await this.deliver('credential.set', await asked);
    return holder;
  }

  /** As suspension tells it. */
  revoke(cardNumber: string): Promise<void> {
    return this.deliver('certificate.revoked', {
      ...{ epoch: '2f1e6b0e-6d0a-4d53-9f0b-6f5f0b8f3f11', seq: 7, prevHash: '0'.repeat(64), hash: '0'.repeat(64) },
      ...{ at: '2026-11-21T02:00:00.000Z', kind: 'revoked', cardNumber, holder: null },
      serials: { signature: `01${'A'.repeat(30)}`, encryption: `02${'B'.repeat(30)}` },
      ...{ issuerSki: 'A'.repeat(40), notAfter: '2030-12-31T15:59:59Z', partition: null, acceptedAt: null, holds: [] },
      listed: { reason: 'superseded', since: '2026-11-21T02:00:00Z' },
    });
  }

  async credential(cardNumber: string, userCode: string, generation = 1): Promise<EventData<'credential.set'>> {
    const verifier = await this.hasher.hash(userCode);
    return sealCredential([this.#keys.suspension.publicJwk, this.#credentialKey.publicJwk], {
      ...{ cardNumber, generation, verifier },
    });
  }

  /** As issuance sends it for a combined application. */
  async representative(
    cardNumber: string,
    nationalId = REPRESENTATIVE.nationalId,
  ): Promise<EventData<'credential.set'>> {
    const verifier = await this.hasher.hash(representativeText(nationalId, '1987-02-21'));
    return sealCredential([this.#credentialKey.publicJwk], {
      ...{ cardNumber, kind: 'representative', generation: 1, verifier },
    });
  }

  private get hasher(): CodeHasher {
    return new CodeHasher(Pepper.read(join(this.dir, 'pepper')));
  }

  /** Data of a card's events in the outbox, in order. */
  async events<T extends EventType>(type: T, { sample }: Holder): Promise<EventData<T>[]> {
    const rows = await this.sql<{ value: string }>('select value from outbox where key = $1 order by id', [
      sample.cardNumber,
    ]);
    const events = rows.map(({ value }) => parseEvent(value)!);
    return events.filter((event) => event.type === type).map(({ data }) => data as EventData<T>);
  }

  /** As issuance reads it. */
  async unseal<T extends SealedType>(type: T, data: EventData<T>): Promise<SealedPayload<T>> {
    const context = sealedContext(type, data.cardNumber);
    const payload = await openSealed(this.#keys.issuance, data.jwe, context);
    return SEALED_PAYLOADS[type].parse(payload) as SealedPayload<T>;
  }

  /** As suspension would check it. */
  async isUserCode(data: EventData<'credential.set'>, userCode: string): Promise<boolean> {
    const { verifier } = await openCredential(this.#keys.suspension, data);
    return this.hasher.verify(verifier, userCode);
  }

  /** Through the bus itself. */
  async publish<T extends EventType>(type: T, data: EventData<T>): Promise<void> {
    const key = (data as { cardNumber: string }).cardNumber;
    const event = newEvent(type, key, data, { source: 'test', now: this.clock.now() });
    const bus = new EmbeddedLog(this.#busUrl);
    await bus.send([{ topic: topicOf(type), key, id: event.id, value: JSON.stringify(event) }]);
    await bus.close();
  }

  /** Of one topic, read from the bus. */
  async published(topic: string): Promise<string[]> {
    const bus = new Client({ connectionString: this.#busUrl });
    await bus.connect();
    const { rows } = await bus.query<{ value: string }>('select value from record where topic = $1', [topic]);
    await bus.end();
    return rows.map((row) => row.value);
  }

  /** As the bus would, at once. */
  async deliver<T extends EventType>(type: T, data: EventData<T>): Promise<void> {
    const key = (data as { cardNumber: string }).cardNumber;
    const event = newEvent(type, key, data, { source: 'test', now: this.clock.now() });
    const { app } = this.service;
    const record = { topic: topicOf(type), key, id: event.id, value: JSON.stringify(event) };
    await app.get(Consumer).receive(record, app.get(AcceptanceHandlers).on);
  }

  async begin(cardNumber: string, way: 'A' | 'B' = 'A'): Promise<Started> {
    const { status, body } = await this.post('', { cardNumber, way });
    if (status !== 201) throw new Error(`starting answered ${status}`);
    return body as unknown as Started;
  }

  accept({ id }: { id: string }, proof: unknown, userCode = USER_CODE): Promise<Answer> {
    return this.post(`/${id}/acceptance`, { proof, userCode });
  }

  /** Begin, prove, accept. */
  async press(holder: Holder, userCode = USER_CODE): Promise<Answer & { session: Started }> {
    return this.pressWith(holder, 'A', { userCode });
  }

  /** The same by way B, with the whole form. */
  async pressForm(holder: Holder, changes: object = {}): Promise<Answer & { session: Started }> {
    return this.pressWith(holder, 'B', { ...FORM, ...changes });
  }

  async pressWith(
    holder: Holder,
    way: 'A' | 'B',
    person: object,
    endpoint = 'acceptance',
  ): Promise<Answer & { session: Started }> {
    const session = await this.begin(holder.sample.cardNumber, way);
    const body = { proof: await holder.prove(session), ...person };
    return { session, ...(await this.post(`/${session.id}/${endpoint}`, body)) };
  }

  complete({ id }: { id: string }, signature: string): Promise<Answer> {
    return this.post(`/${id}/completion`, { signature });
  }

  async state(id: string): Promise<unknown> {
    return (await this.call('GET', `/activations/${id}`)).body.state;
  }

  post(path: string, body: unknown): Promise<Answer> {
    return this.call('POST', `/activations${path}`, body);
  }

  /** As an officer. */
  async officer(method: string, path: string, body?: unknown, subject = 'anna', role: Role = 'ca-officer') {
    const claims = { issuer: ISSUER, subject, roles: [role], lifetimeSeconds: 60 };
    return this.call(method, path, body, { authorization: `Bearer ${await issueToken(this.#issuer, claims)}` });
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.#base + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }
}

/** For jest: one running service for the file that calls it. */
export function withAcceptance(settings: NodeJS.ProcessEnv = {}): { readonly bench: AcceptanceBench } {
  let running: AcceptanceBench | undefined;
  afterAll(() => running?.stop()); // before the database, whose own hook comes next
  const database = withTestDatabase();
  beforeAll(async () => void (running = await AcceptanceBench.start(database, settings)), 120_000);
  return {
    get bench() {
      if (!running) throw new Error('the service runs from beforeAll to afterAll');
      return running;
    },
  };
}

export function issuedOf(sample: SampleCard, way: 'A' | 'B'): EventData<'certificate.issued'> {
  const der = (certificate: Buffer) => certificate.toString('base64');
  return {
    cardNumber: sample.cardNumber,
    cardUuid: sample.cardUuid,
    way,
    serials: { signature: `01${'A'.repeat(30)}`, encryption: `02${'B'.repeat(30)}` },
    issuerSki: 'A'.repeat(40),
    subject: 'O=光年測試股份有限公司,C=TW',
    name: '光年測試股份有限公司',
    ubn: '12345675',
    rank: 'primary',
    notBefore: '2026-01-01T00:00:00Z',
    notAfter: '2030-12-31T15:59:59Z',
    certificates: {
      signature: der(sample.signatureCertificate),
      encryption: der(sample.encryptionCertificate),
      cardAuthentication: der(sample.cardCertificate),
    },
  };
}
