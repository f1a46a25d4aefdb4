import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { Client } from 'pg';
import { Clock } from '#libs/clock';
import { ensureKeyPair, type KeyPair } from '#libs/credentials';
import { migrate, provision, type TestDatabase, withTestDatabase } from '#libs/database';
import { issueToken, type Role } from '#libs/doors';
import { type CardRow, type KaikaEvent, newEvent, TOPICS, topicOf } from '#libs/events';
import { createLogger, createService, type RunningService } from '#libs/host';
import { BUS_MIGRATIONS, EmbeddedLog } from '#libs/messaging';
import { type Authority, buildTbs, ceremony, newSerial, type Profile, PROFILES, signTbs } from '#libs/pki';
import { StatusFeed } from '#libs/status-feed';
import { statusQuery } from './index.js';
import { FakeIssuance, FakeOwner, type Issued, MEANT } from './owners.fixture.js';
import { StatusQueryHandlers } from './status-query.handlers.js';

export const NOT_AFTER = new Date('2031-11-21T15:59:59Z');
const ISSUER = 'http://issuer.example';
/** Changes of one card, each as a row that says the whole state after it. */
export class CardStory {
  private acceptedAt: string | null = null;
  private holds: CardRow['holds'] = [];
  private revoked: CardRow['listed'] = null;

  constructor(
    private readonly owner: FakeOwner,
    readonly issued: Issued,
  ) {}

  get event(): KaikaEvent {
    return newEvent('certificate.issued', this.issued.cardNumber, this.issued, MEANT);
  }

  accept(): KaikaEvent {
    this.acceptedAt ??= '2026-11-21T03:00:00.000Z';
    return this.write('accepted');
  }

  suspend(): KaikaEvent {
    this.holds = ['subscriber'];
    return this.write('suspended');
  }

  resume(): KaikaEvent {
    this.holds = [];
    return this.write('resumed');
  }

  revoke(): KaikaEvent {
    this.revoked = { reason: 'superseded', since: '2026-11-21T04:00:00Z' };
    return this.write('revoked');
  }

  private write(kind: CardRow['kind']): KaikaEvent {
    const { cardNumber, serials, issuerSki } = this.issued;
    const hold = this.holds.length > 0 ? ({ reason: 'certificateHold', since: '2026-11-21T03:30:00Z' } as const) : null;
    return this.owner.write({
      ...{ kind, cardNumber, serials, issuerSki, notAfter: this.issued.notAfter, partition: null, holder: null },
      ...{ acceptedAt: this.acceptedAt, holds: this.holds, listed: this.revoked ?? hold },
    });
  }
}

const signatureKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
const encryptionKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey; // RFC 8813: RSA only

/** The service as it runs, on a database of its own, beside an owner of the log that can be told to answer. */
export class StatusQueryBench {
  readonly dir = mkdtempSync(join(tmpdir(), 'kaika-query-'));
  readonly clock = new Clock();
  readonly owner = new FakeOwner();
  readonly issuance = new FakeIssuance(this.clock);
  authority!: Authority;
  service!: RunningService;
  #owner!: Client;
  #key!: KeyPair;
  url = '';
  #busUrl = '';
  #nextCard = 1;

  static async start(database: TestDatabase): Promise<StatusQueryBench> {
    const bench = new StatusQueryBench();
    const env = await bench.settings(database);
    bench.service = await createService('status-query', await statusQuery.module(env), {
      log: createLogger('silent'),
      clock: bench.clock,
      tokens: { issuer: ISSUER, jwksFile: join(bench.dir, 'jwks.json') },
    });
    await bench.service.app.listen(0, '127.0.0.1');
    bench.url = `http://127.0.0.1:${(bench.service.app.getHttpServer().address() as AddressInfo).port}`;
    return bench;
  }

  private async settings(database: TestDatabase): Promise<NodeJS.ProcessEnv> {
    const bus = await provision(database.url, 'bus', { owner: 'o', app: 'a' });
    await migrate({ ownerUrl: bus.ownerUrl, schema: 'bus', migrations: BUS_MIGRATIONS });
    this.#busUrl = bus.appUrl;
    const own = await provision(database.url, 'status-query', { owner: 'o', app: 'a' });
    await migrate({ ownerUrl: own.ownerUrl, schema: 'status_query', migrations: [...statusQuery.migrations] as never });
    this.#owner = new Client({ connectionString: own.ownerUrl });
    await this.#owner.connect();
    this.#key = await ensureKeyPair(join(this.dir, 'service'), 'Ed25519');
    writeFileSync(join(this.dir, 'jwks.json'), JSON.stringify({ keys: [this.#key.publicJwk] }));
    this.authority = await ceremony({
      dir: join(this.dir, 'authority'),
      publicUrl: 'http://ca.example',
      clock: this.clock,
      notBefore: new Date('2026-01-01T00:00:00Z'),
      keys: { root: 'p-384', issuing: 'p-384', card: 'p-256' }, // an RSA-4096 key takes seconds
      log: () => undefined,
    });
    this.issuance.authority = this.authority;
    return {
      DATABASE_URL: own.appUrl,
      KAIKA_BUS_URL: bus.appUrl,
      KAIKA_SUSPENSION_URL: await this.owner.listen(),
      KAIKA_SERVICE_KEY_FILE: join(this.dir, 'service'),
      KAIKA_AUTHORITY_DIR: join(this.dir, 'authority'),
      KAIKA_ISSUANCE_URL: await this.issuance.listen(),
      KAIKA_OCSP_DIR: join(this.dir, 'ocsp'),
    };
  }

  async stop(): Promise<void> {
    await this.service.close();
    await this.owner.close();
    await this.issuance.close();
    await this.#owner.end();
    rmSync(this.dir, { recursive: true, force: true });
  }

  get feed(): StatusFeed {
    return this.service.app.get(StatusFeed);
  }

  async sql(statement: string): Promise<Record<string, unknown>[]> {
    return (await this.#owner.query(statement)).rows as Record<string, unknown>[];
  }

  async newCard(changes: Partial<Issued> = {}): Promise<CardStory> {
    const cardNumber = `TT${String(this.#nextCard++).padStart(14, '0')}`;
    const serials = { signature: newSerial(), encryption: newSerial() };
    const { issuing, card } = this.authority;
    const name = changes.name ?? '光年測試股份有限公司';
    const holder = {
      subject: { C: 'TW', O: name },
      ubn: '12345675',
      subjectType: 'company',
      cardRank: 'primary',
    } as const;
    const certify = async (profile: Profile, ca: typeof issuing, params: object) => {
      const dates = { notBefore: new Date('2026-11-21T01:00:00Z'), notAfter: NOT_AFTER };
      const tbs = buildTbs(profile, { issuer: ca, ...dates, ...params } as never);
      return (await signTbs(tbs, await ca.signer())).toString('base64');
    };
    const { businessCardSignature, businessCardEncryption, cardAuthentication } = PROFILES;
    const own = { serial: newSerial(), subject: { CN: cardNumber }, cardUuid: randomUUID(), publicKey: signatureKey };
    const certificates = {
      signature: await certify(businessCardSignature, issuing, { ...holder, serial: serials.signature, publicKey: signatureKey }), // prettier-ignore
      encryption: await certify(businessCardEncryption, issuing, { ...holder, serial: serials.encryption, publicKey: encryptionKey }), // prettier-ignore
      cardAuthentication: await certify(cardAuthentication, card, own),
    };
    return new CardStory(this.owner, {
      ...{ cardNumber, cardUuid: own.cardUuid, way: 'A', serials, certificates, issuerSki: issuing.skiHex },
      ...{ subject: `O=${name},C=TW`, name, ubn: '12345675', rank: 'primary' },
      ...{ notBefore: '2026-11-21T01:00:00Z', notAfter: '2031-11-21T15:59:59Z', email: 'office@example.com' },
      ...changes,
    });
  }

  /** Through the bus itself. */
  async publish(...events: KaikaEvent[]): Promise<void> {
    const bus = new EmbeddedLog(this.#busUrl);
    await bus.send(
      events.map((event) => {
        const { id, subject: key, type } = event;
        return { topic: topicOf(type), key, id, value: JSON.stringify(event) };
      }),
    );
    await bus.close();
  }

  /** As the bus would, at once. */
  async deliver(...events: KaikaEvent[]): Promise<void> {
    const handlers = this.service.app.get(StatusQueryHandlers);
    for (const event of events) {
      const topic = topicOf(event.type);
      const record = { topic, key: event.subject, id: event.id, value: JSON.stringify(event) };
      await (topic === TOPICS.status ? handlers.onStatus(record) : handlers.onIssuance(record));
    }
  }

  get(path: string): Promise<Response> {
    return fetch(`${this.url}/api/v1/certificates${path}`);
  }

  token(...roles: Role[]): Promise<string> {
    return issueToken(this.#key, { issuer: ISSUER, subject: 'chen', roles, lifetimeSeconds: 60 });
  }

  async find(cardNumber: string): Promise<{ items: Record<string, unknown>[]; asOfSeq: number; next: null }> {
    return (await (await this.get(`?cardNumber=${cardNumber}`)).json()) as never;
  }

  /** After everything that landed was applied. */
  async statusOf({ issued }: CardStory): Promise<unknown> {
    await this.feed.applyReady();
    return (await this.find(issued.cardNumber)).items[0]?.['status'];
  }
}

/** For jest: one running service for the file that calls it. */
export function withStatusQuery(): { readonly bench: StatusQueryBench } {
  let running: StatusQueryBench | undefined;
  afterAll(() => running?.stop()); // before the database, whose own hook comes next
  const database = withTestDatabase();
  beforeAll(async () => void (running = await StatusQueryBench.start(database)), 120_000);
  return {
    get bench() {
      if (!running) throw new Error('the service runs from beforeAll to afterAll');
      return running;
    },
  };
}
