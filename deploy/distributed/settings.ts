import { join } from 'node:path';
import type { StackAccess } from './stack-access.js';

/** Where everything is that a service is told of. */
export interface Places {
  /** Keys of the services, as `setup keys` leaves them. */
  secrets: string;
  dataDir: string;
  stack: StackAccess;
  /** Ports on 127.0.0.1 by service; `card-agent` among them. */
  ports: Readonly<Record<string, number>>;
  databaseUrl: URL;
  redisUrl: string;
  /** Of the people's tokens. */
  issuer: string;
  /** Origins of the pages. */
  origins: readonly string[];
  /** Of a throw-away instance: the file that keeps how far its clock is behind. */
  clockFile?: string | undefined;
  /** The environment that `start:distributed` itself was given: settings with a default are passed on. */
  given: NodeJS.ProcessEnv;
}

const CREDENTIALS = ['issuance', 'acceptance', 'suspension'];
const TALKERS = ['acceptance', 'crl-publisher', 'status-query'];

/** What every service with a database has, and those with verifiers or peers. Each is told what it reads, and no more. */
export function settingsOf(service: string, places: Places): NodeJS.ProcessEnv {
  const { secrets, dataDir, ports } = places;
  const secret = (name: string) => join(secrets, name);
  const peer = (name: string) => `http://127.0.0.1:${ports[name]}`;
  const own: Record<string, NodeJS.ProcessEnv> = {
    issuance: {
      KAIKA_AUTHORITY_DIR: join(dataDir, 'authority'),
      KAIKA_DATA_KEY_FILE: secret('data-key'),
      KAIKA_TRANSPORT_MASTER_FILE: secret('transport-master'),
      KAIKA_PUK_MASTER_FILE: secret('puk-master'),
      KAIKA_MANAGEMENT_MASTER_FILE: secret('management-master'),
      KAIKA_ACCEPTANCE_PUBLIC_KEY_FILE: secret('acceptance.jwk.pub'),
      KAIKA_SUSPENSION_PUBLIC_KEY_FILE: secret('suspension.jwk.pub'),
      KAIKA_VIRTUAL_CARDS_DIR: join(dataDir, 'virtual-cards'),
    },
    acceptance: {
      KAIKA_SUSPENSION_URL: peer('suspension'),
      KAIKA_PORTAL_ORIGINS: places.origins.join(),
      KAIKA_ISSUANCE_PUBLIC_KEY_FILE: secret('issuance.jwk.pub'),
      KAIKA_SUSPENSION_PUBLIC_KEY_FILE: secret('suspension.jwk.pub'),
      KAIKA_TRANSPORT_MASTER_FILE: secret('transport-master'),
      KAIKA_PUK_MASTER_FILE: secret('puk-master'),
      KAIKA_JOB_KEY_FILE: secret('pin-jobs.jwk'),
    },
    portal: { KAIKA_AGENT_URL: `http://127.0.0.1:${places.ports['card-agent']}` },
    'status-query': {
      KAIKA_SUSPENSION_URL: peer('suspension'),
      KAIKA_ISSUANCE_URL: peer('issuance'),
      KAIKA_AUTHORITY_DIR: join(dataDir, 'authority'),
      KAIKA_OCSP_DIR: join(dataDir, 'ocsp'),
    },
    'crl-publisher': {
      KAIKA_SUSPENSION_URL: peer('suspension'),
      KAIKA_AUTHORITY_DIR: join(dataDir, 'authority'),
      KAIKA_CRL_DIR: join(dataDir, 'crl'),
      REDIS_URL: places.redisUrl,
    },
  };
  return {
    ...optional(places.given),
    ...common(service, places),
    ...(service !== 'portal' && bus(service, places)),
    ...(CREDENTIALS.includes(service) && {
      KAIKA_PEPPER_FILE: secret('pepper'),
      KAIKA_CREDENTIAL_KEY_FILE: secret(`${service}.jwk`),
    }),
    ...(TALKERS.includes(service) && { KAIKA_SERVICE_KEY_FILE: secret(`${service}-token.jwk`) }),
    ...own[service],
  };
}

/** The card agent stands at a counter: it is told nothing of the centre but whom to trust. */
export function agentSettings({ secrets, dataDir, ports, origins, clockFile, given }: Places): NodeJS.ProcessEnv {
  return {
    ...environment(given),
    KAIKA_AGENT_PORT: String(ports['card-agent']),
    KAIKA_AGENT_ORIGINS: origins.join(),
    KAIKA_JOB_KEY_FILE: join(secrets, 'pin-jobs.jwk.pub'),
    KAIKA_VIRTUAL_CARDS_DIR: join(dataDir, 'virtual-cards'),
    KAIKA_LOG_LEVEL: given['KAIKA_LOG_LEVEL'] ?? 'warn',
    ...(clockFile && { KAIKA_THROWAWAY_CLOCK_FILE: clockFile }),
  };
}

/** Settings with a default that whoever starts all of it may give: limits, hotlines, mail. */
function optional(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = /^(KAIKA_(HOTLINE_\d+|AGENT_DOWNLOADS|SMTP_\w+|MAIL_FROM|PIN_RESET_CODE|EXPIRY_NOTICE_DAYS|TEST_CARDS|RETURN_CONTACT_DAYS|CARD_MAX_CERT_BYTES|OCSP_KEY|CRL_OVERLAP_SECONDS|ACCEPTANCE_DEADLINE_\w+|LOG_LEVEL)|OTEL_\w+)$/; // prettier-ignore
  return Object.fromEntries(Object.entries(given).filter(([name]) => passed.test(name)));
}

function common(service: string, { secrets, ports, issuer, clockFile, given }: Places): NodeJS.ProcessEnv {
  return {
    ...environment(given),
    PORT: String(ports[service]),
    KAIKA_LOG_LEVEL: given['KAIKA_LOG_LEVEL'] ?? 'warn',
    KAIKA_TRUST_PROXY: 'loopback',
    KAIKA_TOKEN_ISSUER: issuer,
    KAIKA_JWKS_FILE: join(secrets, 'jwks.json'),
    KAIKA_SERVICE_JWKS_FILE: join(secrets, 'service-jwks.json'),
    ...(clockFile && { KAIKA_THROWAWAY: 'true', KAIKA_THROWAWAY_CLOCK_FILE: clockFile }),
  };
}

function bus(service: string, { stack, databaseUrl }: Places): NodeJS.ProcessEnv {
  const url = new URL(databaseUrl);
  url.password = '';
  url.username = `kaika_${service.replaceAll('-', '_')}_app`;
  return {
    DATABASE_URL: url.toString(),
    KAIKA_DATABASE_PASSWORD_FILE: join(stack.databasePasswords, `database-${service}-app`),
    KAFKA_BROKERS: stack.kafka.saslBrokers,
    KAIKA_KAFKA_USERNAME: service,
    KAIKA_KAFKA_PASSWORD_FILE: stack.kafka.passwordFile(service),
    KAIKA_KAFKA_MECHANISM: 'plain',
  };
}

/** What every program needs of the surroundings. */
const environment = (given: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: given['PATH'],
  HOME: given['HOME'],
  ...(given['NODE_OPTIONS'] && { NODE_OPTIONS: given['NODE_OPTIONS'] }),
});
