import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import {
  databaseSettings,
  databaseUrlOf,
  flag,
  type Hotline,
  hotlineSettings,
  hotlinesOf,
  openConfig,
  opened,
  secretFile,
} from '#libs/config';
import { type KeyPair, Pepper, type PublicJwk, readKeyPair, readPublicJwk, readSecretKey } from '#libs/credentials';
import { type Transport, transportOf, transportSettings } from '#libs/messaging';
import { type Authority, loadAuthority } from '#libs/pki';
import { PLAIN_PIV } from '#libs/piv';
import { email } from '#libs/taiwan';
import { type MailSettings, readText } from './notices/smtp.js';
import { stationName } from './production/production.schema.js';
import type { RemoteStationSettings } from './production/remote-station.js';

export interface IssuanceConfig {
  /** `DATABASE_URL`, and `KAIKA_DATABASE_PASSWORD_FILE` when it has no password: this service's application role. */
  databaseUrl: string;
  /** `KAIKA_BUS_URL`, the embedded log, or `KAFKA_BROKERS`: what carries events. */
  transport: Transport;
  /** `KAIKA_AUTHORITY_DIR`: what the ceremony left, the CAs' certificates and encrypted keys. */
  authority: Authority;
  /** `KAIKA_PEPPER_FILE`: for verifiers of user codes; the same file as the services that check them. */
  pepper: Pepper;
  /** `KAIKA_DATA_KEY_FILE`: seals personal data at rest, 32 octets. */
  dataKey: KeyObject;
  /** `KAIKA_TRANSPORT_MASTER_FILE`: transport PINs are derived from it, here and in `acceptance`; 32 octets. */
  transportMaster: KeyObject;
  /** `KAIKA_PUK_MASTER_FILE`: PUKs are derived from it, here and in `acceptance`; 32 octets. */
  pukMaster: KeyObject;
  /** `KAIKA_MANAGEMENT_MASTER_FILE`: the cards' management keys (9B) are derived from it, here only; 32 octets. */
  managementMaster: KeyObject;
  /** `KAIKA_ACCEPTANCE_PUBLIC_KEY_FILE`, `KAIKA_SUSPENSION_PUBLIC_KEY_FILE` (P-256 JWK): who may open verifiers. */
  credentialRecipients: { acceptance: PublicJwk; suspension: PublicJwk };
  /** `KAIKA_CREDENTIAL_KEY_FILE` (private P-256 JWK): opens what other services seal to this one. */
  ownKey: KeyPair;
  /** `KAIKA_VIRTUAL_CARDS_DIR` */
  virtualCardsDir: string;
  /**
   * `KAIKA_CARD_MAX_CERT_BYTES`: octets a certificate container of the cards in stock takes; who would need a longer
   * certificate is refused at intake. Default 3,052, the virtual card's; a plain PIV card takes 1,856 (CARDS.md §1).
   */
  maxCertBytes: number;
  /** Where notices are sent by; undefined: they are recorded and not sent. Hotlines (`KAIKA_HOTLINE_…`) are named in them. */
  mail: MailSettings | undefined;
  /** `KAIKA_EXPIRY_NOTICE_DAYS`: days before the end of certificates at which subscribers are reminded. Default 60, 14. */
  expiryNoticeDays: readonly number[];
  /** `KAIKA_HOTLINE_…`: named in notices, slips and letters. */
  hotlines: readonly Hotline[];
  /** `KAIKA_RETURN_CONTACT_DAYS`: days after a card was sent back until its letter's contact data are erased. Default 180. */
  returnContactDays: number;
  /**
   * `KAIKA_STATIONS`: card agents in station mode, where cards are made; none: the virtual cards. Trusted by
   * `KAIKA_STATION_CA_FILE` alone, and told by `KAIKA_STATION_CERTIFICATE_FILE` and `…_KEY_FILE` who is there.
   */
  stations: readonly RemoteStationSettings[];
  /** `KAIKA_TEST_CARDS`: takes test card numbers (four letters and twelve digits) into stock. Default false. */
  testCards: boolean;
}

export const ISSUANCE_CONFIG = Symbol('issuance:config');

const smtpUrl = () =>
  z
    .url({ protocol: /^smtps?$/, message: 'is not smtp://host or smtps://host' })
    .refine((text) => !URL.canParse(text) || new URL(text).password === '', 'has a password: it belongs in a file');

const daysBefore = () =>
  z
    .string()
    .regex(/^\d{1,3}( *, *\d{1,3}){0,9}$/, 'is not a list of days such as 60,14')
    .transform((text) => [...new Set(text.split(',').map(Number))])
    .refine((days) => days.every((n) => n > 0), 'has a 0');

const STATION_FILES = ['KAIKA_STATION_CERTIFICATE_FILE', 'KAIKA_STATION_KEY_FILE', 'KAIKA_STATION_CA_FILE'] as const;

const stationList = () =>
  z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim().split('=')))
    .refine(
      (parts) => parts.every(([name, url, ...more]) => more.length === 0 && isStation(name, url)),
      'is not a list such as desk-1=https://10.0.0.5:3020',
    )
    .transform((parts) => parts.map(([name, url]) => ({ name: name!, url: url! })))
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'names a station twice');

const isStation = (name = '', url = '') =>
  stationName.safeParse(name).success && URL.canParse(url) && new URL(url).origin === url && url.startsWith('https://');

const settings = z
  .object({
    ...hotlineSettings,
    KAIKA_SMTP_URL: smtpUrl().optional(),
    KAIKA_SMTP_PASSWORD_FILE: secretFile().optional(),
    KAIKA_SMTP_CA_FILE: secretFile().optional(),
    KAIKA_MAIL_FROM: email.optional(),
    KAIKA_EXPIRY_NOTICE_DAYS: daysBefore().default([60, 14]),
    ...databaseSettings,
    ...transportSettings,
    KAIKA_AUTHORITY_DIR: z.string(),
    KAIKA_PEPPER_FILE: opened((path) => Pepper.read(path)),
    KAIKA_DATA_KEY_FILE: opened(readSecretKey),
    KAIKA_TRANSPORT_MASTER_FILE: opened(readSecretKey),
    KAIKA_PUK_MASTER_FILE: opened(readSecretKey),
    KAIKA_MANAGEMENT_MASTER_FILE: opened(readSecretKey),
    KAIKA_ACCEPTANCE_PUBLIC_KEY_FILE: opened(readPublicJwk),
    KAIKA_SUSPENSION_PUBLIC_KEY_FILE: opened(readPublicJwk),
    KAIKA_CREDENTIAL_KEY_FILE: opened((path) => readKeyPair(path, 'P-256')),
    KAIKA_VIRTUAL_CARDS_DIR: z.string(),
    KAIKA_CARD_MAX_CERT_BYTES: z.coerce.number().int().min(PLAIN_PIV.maxCertBytes).max(16_384).default(3_052),
    KAIKA_RETURN_CONTACT_DAYS: z.coerce.number().int().min(1).max(3_650).default(180),
    KAIKA_STATIONS: stationList().default([]),
    KAIKA_STATION_CERTIFICATE_FILE: secretFile().optional(),
    KAIKA_STATION_KEY_FILE: secretFile().optional(),
    KAIKA_STATION_CA_FILE: secretFile().optional(),
    KAIKA_TEST_CARDS: flag().default(false),
  })
  .superRefine((read, ctx) => {
    if (read.KAIKA_STATIONS.length > 0) {
      for (const name of STATION_FILES) {
        if (read[name]) continue;
        ctx.addIssue({ code: 'custom', path: [name], message: 'is not set, and KAIKA_STATIONS is' });
      }
    }
    if (!read.KAIKA_SMTP_URL || read.KAIKA_MAIL_FROM) return;
    ctx.addIssue({ code: 'custom', path: ['KAIKA_MAIL_FROM'], message: 'is not set, and KAIKA_SMTP_URL is' });
  });

/** @throws ConfigError; CaError authorityUnavailable */
export async function readIssuanceConfig(env: NodeJS.ProcessEnv): Promise<IssuanceConfig> {
  const read = await openConfig(settings, env);
  return {
    databaseUrl: databaseUrlOf(read),
    transport: transportOf(read),
    authority: await loadAuthority(read.KAIKA_AUTHORITY_DIR),
    pepper: read.KAIKA_PEPPER_FILE,
    dataKey: read.KAIKA_DATA_KEY_FILE,
    transportMaster: read.KAIKA_TRANSPORT_MASTER_FILE,
    pukMaster: read.KAIKA_PUK_MASTER_FILE,
    managementMaster: read.KAIKA_MANAGEMENT_MASTER_FILE,
    credentialRecipients: {
      acceptance: read.KAIKA_ACCEPTANCE_PUBLIC_KEY_FILE,
      suspension: read.KAIKA_SUSPENSION_PUBLIC_KEY_FILE,
    },
    ownKey: read.KAIKA_CREDENTIAL_KEY_FILE,
    virtualCardsDir: read.KAIKA_VIRTUAL_CARDS_DIR,
    maxCertBytes: read.KAIKA_CARD_MAX_CERT_BYTES,
    mail: read.KAIKA_SMTP_URL
      ? {
          smtpUrl: read.KAIKA_SMTP_URL,
          password: readText(read.KAIKA_SMTP_PASSWORD_FILE),
          ca: readText(read.KAIKA_SMTP_CA_FILE),
          from: read.KAIKA_MAIL_FROM!,
          hotlines: hotlinesOf(read),
        }
      : undefined,
    expiryNoticeDays: read.KAIKA_EXPIRY_NOTICE_DAYS,
    hotlines: hotlinesOf(read),
    returnContactDays: read.KAIKA_RETURN_CONTACT_DAYS,
    stations: read.KAIKA_STATIONS.map((station) => ({
      ...station,
      certificate: readText(read.KAIKA_STATION_CERTIFICATE_FILE)!,
      key: readText(read.KAIKA_STATION_KEY_FILE)!,
      ca: readText(read.KAIKA_STATION_CA_FILE)!,
    })),
    testCards: read.KAIKA_TEST_CARDS,
  };
}
