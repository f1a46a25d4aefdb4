import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Clock, sleep, systemClock } from '#libs/clock';
import { CodeHasher, ensureKeyPair, Pepper, sealCredential, type KeyPair } from '#libs/credentials';
import { migrate, provision, schemaOf, setLogClock, type Migration, type TestDatabase } from '#libs/database';
import { issueToken, type Role, SERVICE_ISSUER } from '#libs/doors';
import { newEvent, topicOf, type EventData, type EventType, type StatusRow } from '#libs/events';
import { createLogger, createService, type RunningService } from '#libs/host';
import { strategyOf } from '#libs/messaging';
import { suspension } from './index.js';
import { CODE, issued } from './suspension.fixture.js';

const ISSUER = 'http://issuer.example';

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** The service as it runs, on a real database, its clock moved to `start`; the tests are its clients and its bus. */
export class RunningSuspension {
  readonly clock = new Clock();
  readonly #dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
  #key!: KeyPair;
  #credentialKey!: KeyPair;
  #hasher!: CodeHasher;
  #urls!: { ownerUrl: string; appUrl: string };
  #base = '';
  service!: RunningService;

  constructor(
    private readonly database: TestDatabase,
    private readonly start: Date,
  ) {}

  /** @param busUrl default: a bus that is not there */
  async open(busUrl = 'postgres://nobody:nothing@127.0.0.1:1/none', settings: NodeJS.ProcessEnv = {}): Promise<void> {
    const file = (name: string) => join(this.#dir, name);
    if (this.service) {
      await this.service.close();
    } else {
      this.#key = await ensureKeyPair(file('issuer.jwk'), 'Ed25519');
      writeFileSync(file('jwks.json'), JSON.stringify({ keys: [this.#key.publicJwk] }));
      this.#hasher = new CodeHasher(Pepper.ensure(file('pepper')));
      this.#credentialKey = await ensureKeyPair(file('suspension.jwk'));
      this.#urls = await this.schema('suspension', suspension.migrations as Migration[]);
      await this.moveTo(this.start);
    }
    const env = {
      DATABASE_URL: this.#urls.appUrl,
      KAIKA_BUS_URL: busUrl,
      KAIKA_PEPPER_FILE: file('pepper'),
      KAIKA_CREDENTIAL_KEY_FILE: file('suspension.jwk'),
      ...settings,
    };
    this.service = await createService(suspension.name, await suspension.module(env), {
      log: createLogger('silent'),
      clock: this.clock,
      tokens: { issuer: ISSUER, jwksFile: file('jwks.json'), serviceJwksFile: file('jwks.json') },
    });
    await this.service.app.listen(0, '127.0.0.1');
    this.#base = `http://127.0.0.1:${(this.service.app.getHttpServer().address() as AddressInfo).port}/api/v1`;
  }

  async close(): Promise<void> {
    await this.service.close();
    rmSync(this.#dir, { recursive: true });
  }

  async schema(name: string, migrations: readonly Migration[]) {
    const urls = await provision(this.database.url, name, { owner: 'owner', app: 'app' });
    await migrate({ ownerUrl: urls.ownerUrl, schema: schemaOf(name), migrations: [...migrations] });
    return urls;
  }

  async moveTo(at: Date): Promise<void> {
    const offsetMs = at.getTime() - systemClock().nowMs();
    await setLogClock(this.#urls.ownerUrl, 'suspension', offsetMs);
    this.clock.set(offsetMs);
  }

  /** @param subject of the token; default: the role's name */
  async ask(method: string, path: string, body?: unknown, role?: Role, subject: string = role ?? ''): Promise<Answer> {
    const claims = { issuer: role === 'service' ? SERVICE_ISSUER : ISSUER, subject, lifetimeSeconds: 60 };
    const token = role && (await issueToken(this.#key, { ...claims, roles: [role] }));
    const response = await fetch(this.#base + path, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** Hands one event to the service's handlers, twice, as any transport may. */
  async tell<T extends EventType>(type: T, subject: string, data: EventData<T>): Promise<void> {
    const { id, ...event } = newEvent(type, subject, data, { source: 'test', now: this.clock.now() });
    const record = { topic: topicOf(type), key: subject, id, value: JSON.stringify({ id, ...event }) };
    for (let time = 0; time < 2; time++) await strategyOf(this.service.app)!.deliver(record);
  }

  async credential(cardNumber: string, generation = 1, code = CODE) {
    const verifier = await this.#hasher.hash(code);
    return sealCredential([this.#credentialKey.publicJwk], { cardNumber, generation, verifier });
  }

  /** A card issued at the start, with a user code, known through its events. */
  async newCard(change: Partial<EventData<'certificate.issued'>> = {}): Promise<string> {
    const card = this.issued(change);
    // The code comes before the card it belongs to: topics are not ordered among themselves.
    await this.tell('credential.set', card.cardNumber, await this.credential(card.cardNumber));
    await this.tell('certificate.issued', card.cardNumber, card);
    return card.cardNumber;
  }

  issued(change: Partial<EventData<'certificate.issued'>> = {}): EventData<'certificate.issued'> {
    return issued({ notBefore: `${this.start.toISOString().slice(0, 19)}Z`, ...change });
  }

  suspend(card: string, userCode = CODE): Promise<Answer> {
    return this.ask('POST', `/cards/${card}/suspension`, { userCode });
  }

  async rows(): Promise<StatusRow[]> {
    return (await this.ask('GET', '/status-log', undefined, 'service')).body['rows'] as StatusRow[];
  }
}

export async function until(done: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock().nowMs() + 20_000;
  while (!(await done())) {
    if (systemClock().nowMs() > deadline) throw new Error('waited for nothing');
    await sleep(20);
  }
}
