import { join } from 'node:path';
import { up } from '../stack/commands.js';
import { kafkaPasswordFile, postgresUrl, readStack, type StackState } from '../stack/stack-file.js';

/** What an instance is told of the stack it runs on. */
export interface StackAccess {
  /** The stack's own folder. */
  dir: string;
  /** As superuser, with the password. */
  postgresUrl: string;
  /** Without a database's number. */
  redisUrl: string;
  /** Without login, for administration from this machine; and with login, for services, where ACLs count. */
  kafka: { brokers: string; saslBrokers: string; passwordFile(user: string): string };
  /** Passwords of database roles, which belong to the whole server and so to the stack. */
  databasePasswords: string;
}

/** The stack that is up in this folder; started when none is, and left up. @throws Error saying which part is missing */
export async function accessStack(dir: string, progress: (line: string) => void): Promise<StackAccess> {
  if (!readStack(dir)) {
    progress('the stack: PostgreSQL, Redis, Kafka');
    await up(dir, (line) => progress(`  ${line}`));
  }
  const stack = readStack(dir);
  if (!stack) throw new Error(`the stack in ${dir} is not up: npm run stack -- up`);
  return accessOf(dir, stack);
}

function accessOf(dir: string, stack: StackState): StackAccess {
  const { redis, kafka } = stack.parts;
  const missing = [redis, kafka].find((part) => part.state !== 'running');
  if (!redis.url || !kafka.brokers || !kafka.saslBrokers) {
    throw new Error(`the stack in ${dir} is not complete: ${missing?.problem ?? 'npm run stack -- status'}`);
  }
  return {
    dir,
    postgresUrl: postgresUrl(stack),
    redisUrl: redis.url,
    kafka: {
      brokers: kafka.brokers,
      saslBrokers: kafka.saslBrokers,
      passwordFile: (user) => kafkaPasswordFile(stack, user),
    },
    databasePasswords: join(dir, 'database-passwords'),
  };
}
