import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainLogins } from '../kafka/jaas.js';
import { KAFKA_USERS, type KafkaUser } from '../kafka/users.js';

export interface KafkaPorts {
  /** Without login, for developers and kcat: whoever reaches the loopback address is super user here. */
  plaintext: number;
  /** SASL_PLAINTEXT with PLAIN: ACLs count. */
  sasl: number;
  controller: number;
}

export const passwordFile = (dir: string, user: KafkaUser): string => join(dir, 'secrets', `${user}-password`);

/**
 * Writes what the broker reads at start: password files (kept when there), the JAAS file made from them, settings, log
 * configuration. Names of files are relative to `dir`, the broker's working folder: Kafka would split a path at commas.
 */
export function writeSettings(dir: string, ports: KafkaPorts): void {
  mkdirSync(join(dir, 'secrets'), { recursive: true, mode: 0o700 });
  const passwords = KAFKA_USERS.map((user) => [user, password(dir, user)] as const);
  replace(join(dir, 'secrets', 'jaas.conf'), plainLogins('sasl.KafkaServer', passwords));
  replace(join(dir, 'server.properties'), properties(ports, 'data'));
  replace(join(dir, 'format.properties'), properties(ports, 'data.new'));
  replace(join(dir, 'log4j2.json'), JSON.stringify(LOGGING, null, 2));
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function password(dir: string, user: KafkaUser): string {
  const file = passwordFile(dir, user);
  if (!existsSync(file)) replace(file, randomBytes(24).toString('hex'));
  return readFileSync(file, 'utf8').trim();
}

function properties(ports: KafkaPorts, dataFolder: string): string {
  const developers = `PLAINTEXT://127.0.0.1:${ports.plaintext}`;
  const services = `SASL://127.0.0.1:${ports.sasl}`;
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${ports.controller}`,
    listeners: `${developers},${services},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `${developers},${services}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': false,
    'super.users': 'User:ANONYMOUS;User:admin',
    'log.dirs': dataFolder,
    // Topics are made by deploy/setup with their partitions and ACLs; a misspelt one is an error.
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 5,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 5,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 5,
    // A group of one member need not wait for others.
    'group.initial.rebalance.delay.ms': 50,
    // After a SIGKILL the next start waits until the session of the one before has run out (default 9 s).
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    // One broker for one machine: fewer threads, and a cleaner that doesn't take 128 MB of the heap.
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'log.cleaner.dedupe.buffer.size': 4 * 1024 * 1024,
    'controlled.shutdown.max.retries': 1,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Warnings and errors, 3 files of 5 MB at most. */
const LOGGING = {
  configuration: {
    name: 'kafka',
    appenders: {
      RollingFile: {
        name: 'file',
        fileName: 'server.log',
        filePattern: 'server.log.%i',
        PatternLayout: { pattern: "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %p %m (%c{1})%n" },
        SizeBasedTriggeringPolicy: { size: '5 MB' },
        DefaultRolloverStrategy: { max: 2 },
      },
    },
    loggers: { Root: { level: 'warn', AppenderRef: { ref: 'file' } } },
  },
};
