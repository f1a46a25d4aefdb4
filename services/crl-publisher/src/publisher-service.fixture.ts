import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ensureKeyPair, type KeyPair } from '#libs/credentials';
import { migrate, provision, type TestDatabase } from '#libs/database';
import { issueToken, type Role } from '#libs/doors';
import { createService, type RunningService } from '#libs/host';
import { prepareJobs } from '#libs/jobs';
import { BUS_MIGRATIONS, EmbeddedLog } from '#libs/messaging';
import { crlPublisher } from './index.js';
import { silent, type PublisherFixture } from './publisher.fixture.js';

const ISSUER = 'http://issuer.example';

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** The whole service behind HTTP, beside the parts of a `PublisherFixture` that is started. */
export class PublisherService {
  private constructor(
    readonly running: RunningService,
    readonly bus: EmbeddedLog,
    readonly base: string,
    private readonly key: KeyPair,
  ) {}

  /** What the service is told at its start, with jobs in PostgreSQL; everything it names is there. */
  static async settings(at: PublisherFixture, database: TestDatabase) {
    const passwords = { owner: 'o', app: 'a' };
    const bus = await provision(database.url, 'bus', passwords);
    await migrate({ ownerUrl: bus.ownerUrl, schema: 'bus', migrations: BUS_MIGRATIONS });
    const jobs = await provision(database.url, 'jobs', passwords);
    await prepareJobs(jobs.ownerUrl);
    const key = await ensureKeyPair(join(at.dir, 'issuer.jwk'), 'Ed25519');
    writeFileSync(join(at.dir, 'jwks.json'), JSON.stringify({ keys: [key.publicJwk] }));
    const own = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    writeFileSync(join(at.dir, 'service.jwk'), JSON.stringify({ ...own, kid: 'service' }), { mode: 0o600 });
    const env = {
      DATABASE_URL: at.service.appUrl,
      KAIKA_BUS_URL: bus.appUrl,
      KAIKA_JOBS_URL: jobs.appUrl,
      KAIKA_SUSPENSION_URL: at.ownerUrl,
      KAIKA_SERVICE_KEY_FILE: join(at.dir, 'service.jwk'),
      KAIKA_AUTHORITY_DIR: join(at.dir, 'authority'),
      KAIKA_CRL_DIR: join(at.dir, 'crl'),
    };
    return { env, bus, key };
  }

  static async start(at: PublisherFixture, database: TestDatabase): Promise<PublisherService> {
    const { env, bus, key } = await PublisherService.settings(at, database);
    const module = await crlPublisher.module(env);
    const running = await createService('crl-publisher', module, {
      log: silent,
      clock: at.clock,
      tokens: { issuer: ISSUER, jwksFile: join(at.dir, 'jwks.json') },
    });
    await running.app.listen(0, '127.0.0.1');
    const base = `http://127.0.0.1:${(running.app.getHttpServer().address() as AddressInfo).port}`;
    return new PublisherService(running, new EmbeddedLog(bus.appUrl), base, key);
  }

  async close(): Promise<void> {
    await this.running.close();
    await this.bus.close();
  }

  /** @param by `subject/role` */
  async ask(method: string, path: string, by?: `${string}/${Role}`, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.base}/api/v1${path}`, {
      method,
      headers: {
        ...(by && { authorization: `Bearer ${await this.token(by)}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  private token(by: string): Promise<string> {
    const [subject, role] = by.split('/') as [string, Role];
    return issueToken(this.key, { issuer: ISSUER, subject, roles: [role], lifetimeSeconds: 60 });
  }
}
