/** For tests only, of this lib and of others: an authority in a temporary folder, and the second readers. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Clock } from '#libs/clock';
import type { Authority } from './authority.js';
import { ceremony, type CeremonyOptions } from './ceremony.js';
import { newSerial, type CertificateParams } from './certificate.js';
import { notAfterFor, PROFILES } from './profiles.js';

/** Elliptic keys throughout: an RSA-4096 key takes seconds. */
const FAST_KEYS = { root: 'p-384', issuing: 'p-384', card: 'p-256' } as const;

export interface TestAuthority extends Authority {
  readonly dir: string;
  remove(): Promise<void>;
}

export async function testAuthority(options: Partial<CeremonyOptions> = {}): Promise<TestAuthority> {
  const dir = await mkdtemp(join(tmpdir(), 'kaika-pki-'));
  const made = await ceremony({
    dir: join(dir, 'ca'),
    publicUrl: 'http://ca.example',
    clock: new Clock(),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    keys: FAST_KEYS,
    log: () => undefined,
    ...options,
  });
  return { ...made, dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

let key: KeyObject | undefined;

/** An RSA-2048 public key, made once. */
export function subscriberKey(): KeyObject {
  return (key ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey);
}

/** Parameters of a business card's signature certificate. */
export function subscriberParams(authority: Authority, over: Partial<CertificateParams> = {}): CertificateParams {
  const notBefore = over.notBefore ?? new Date('2026-11-21T08:00:00Z');
  return {
    serial: newSerial(),
    issuer: authority.issuing,
    subject: { C: 'TW', L: '臺北市', O: '開卡測試股份有限公司', OU: '信義分公司' },
    publicKey: subscriberKey(),
    notBefore,
    notAfter: notAfterFor(PROFILES.businessCardSignature, notBefore, authority.issuing.notAfter),
    ubn: '04595257',
    subjectType: 'company',
    cardRank: 'primary',
    email: 'office@example.com',
    ...over,
  };
}

const run = promisify(execFile);

/** stdout and stderr of the `openssl` command. Fails as the command does. */
export async function openssl(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('openssl', args, { maxBuffer: 256 << 20 });
  return stdout + stderr;
}
