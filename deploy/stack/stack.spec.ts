import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from 'pg';
import { sleep } from '#libs/clock';
import { repositoryRoot } from './kafka-jars.js';
import { freePort } from './ports.js';
import { lives, signal } from './process-identity.js';
import { kafkaPasswordFile, lastStack, PART_NAMES, postgresUrl, readStack, type StackState } from './stack-file.js';
import { kafkaHere, redisHere } from './test-parts.js';

const FREE_PORTS = { KAIKA_STACK_POSTGRES_PORT: '0', KAIKA_STACK_REDIS_PORT: '0', KAIKA_STACK_KAFKA_PORT: '0', KAIKA_STACK_KAFKA_SASL_PORT: '0' }; // prettier-ignore

/** The command as a user runs it, on a folder of its own with a space in its path. */
class Stack {
  readonly dir = mkdtempSync(join(tmpdir(), 'kaika stack-'));
  constructor(readonly env: NodeJS.ProcessEnv = {}) {}

  run(...args: string[]): Promise<{ code: number; lines: string[] }> {
    const main = join(repositoryRoot(), 'dist', 'deploy', 'stack', 'main.js');
    const { DATABASE_URL: _, ...rest } = process.env;
    const env = { ...rest, KAIKA_STACK_DOCKER: 'no', ...FREE_PORTS, KAIKA_STACK_DIR: this.dir, ...this.env };
    return new Promise((done) =>
      execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) =>
        done({ code: error ? Number(error.code) : 0, lines: `${stdout}${stderr}`.trim().split('\n') }),
      ),
    );
  }

  get state(): StackState {
    const stack = readStack(this.dir);
    if (!stack) throw new Error(`no stack in ${this.dir}`);
    return stack;
  }

  async until(what: (stack: StackState) => boolean): Promise<StackState> {
    while (!what(this.state)) await sleep(50); // jest's own deadline ends it
    return this.state;
  }

  async remove(): Promise<void> {
    await this.run('down');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const processesOf = ({ parts }: StackState) => PART_NAMES.map((name) => parts[name].process!);
const addressesOf = ({ parts }: StackState) => PART_NAMES.map((name) => parts[name].address);
const stateOf = ({ parts }: StackState) => PART_NAMES.map((name) => parts[name].state);

/** A PATH with nothing but these programs. */
function pathWith(...programs: string[]): string {
  const bin = mkdtempSync(join(tmpdir(), 'kaika-bin-'));
  for (const program of [...programs, 'setpriv', 'unshare', 'true', 'ps']) {
    const found = process.env['PATH']!.split(delimiter).map((folder) => join(folder, program)).find(existsSync); // prettier-ignore
    if (found) symlinkSync(found, join(bin, program));
  }
  return bin;
}

async function sql(stack: StackState, text: string): Promise<unknown[]> {
  const client = new Client(postgresUrl(stack, {}));
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function redis<T>(stack: StackState, ask: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(stack.parts.redis.url!);
  try {
    return await ask(client);
  } finally {
    client.disconnect();
  }
}

const TOPIC = 'kaika.stack-test.v1';

async function topicEnd(stack: StackState, send?: string): Promise<string> {
  const kafka = new Kafka({ brokers: [stack.parts.kafka.brokers!], logLevel: logLevel.NOTHING });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  try {
    if (send) {
      await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }], waitForLeaders: true });
      await producer.send({ topic: TOPIC, acks: -1, messages: [{ value: send }] });
    }
    return (await admin.fetchTopicOffsets(TOPIC))[0]!.high;
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
}

kafkaHere.describe('npm run stack', () => {
  const stack = new Stack();
  afterAll(() => stack.remove(), 60_000);
  const stored = async () => [
    await sql(stack.state, 'select word from kept'),
    await redis(stack.state, (client) => client.get('kept')),
    await topicEnd(stack.state),
  ];
  const KEPT = [[{ word: 'kept' }], 'kept', '1'];

  it('starts all parts, and says of each its name, state and address', async () => {
    const { code, lines } = await stack.run('up');
    expect({ code, lines }).toMatchObject({ code: 0 });
    const status = await stack.run('status');
    expect(status.code).toBe(0);
    expect(status.lines).toEqual([
      expect.stringMatching(/^postgres +running +127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^redis +running +127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^kafka +running +127\.0\.0\.1:\d+$/),
    ]);
    expect(lines.slice(-3)).toEqual(status.lines);
  }, 240_000);

  it('starts nothing twice', async () => {
    const before = stack.state;
    const { code, lines } = await stack.run('up');
    expect({ code, first: lines[0] }).toEqual({ code: 0, first: `already up (supervisor ${before.supervisor!.pid})` });
    expect(stack.state).toEqual(before);
  }, 30_000);

  it('restarts each part that is killed, at the same address, with all it had acknowledged', async () => {
    await sql(stack.state, `create table kept as select 'kept' as word`);
    await redis(stack.state, (client) => client.set('kept', 'kept'));
    await topicEnd(stack.state, 'kept');
    const before = stack.state;
    for (const part of processesOf(before)) signal(part, 'SIGKILL');
    const after = await stack.until(({ parts }) => PART_NAMES.every((name) => parts[name].restarts === 1 && parts[name].state === 'running')); // prettier-ignore
    expect(addressesOf(after)).toEqual(addressesOf(before));
    expect(await stored()).toEqual(KEPT);
  }, 120_000);

  it('takes its parts with it when the supervisor is killed, and comes back at the same addresses', async () => {
    const before = stack.state;
    signal(before.supervisor!, 'SIGKILL');
    while (processesOf(before).some(lives)) await sleep(50);
    const { code, lines } = await stack.run('status');
    expect(code).toBe(3);
    expect(lines.map((line) => line.split(/ +/)[1])).toEqual(['stopped', 'stopped', 'stopped']);
    expect(await stack.run('up')).toMatchObject({ code: 0 });
    expect(addressesOf(stack.state)).toEqual(addressesOf(before));
    expect(await stored()).toEqual(KEPT);
  }, 120_000);

  it('leaves no process when it is stopped', async () => {
    const { supervisor, ...before } = stack.state;
    expect(await stack.run('down')).toEqual({ code: 0, lines: ['stopping', 'stopped'] });
    expect([supervisor, ...processesOf({ supervisor, ...before })].filter(lives)).toEqual([]);
    expect((await stack.run('status')).code).toBe(3);
    expect(await stack.run('down')).toEqual({ code: 0, lines: ['not up'] });
  }, 60_000);
});

redisHere.describe('npm run stack, beside another stack', () => {
  const noJava = { PATH: pathWith('redis-server') };
  const one = new Stack(noJava);
  const other = new Stack(noJava);
  afterAll(async () => {
    await Promise.all([one.remove(), other.remove()]);
    rmSync(noJava.PATH, { recursive: true });
  }, 60_000);

  it('starts what a machine has, and says what to install for the rest', async () => {
    const [first, second] = await Promise.all([one.run('up'), other.run('up')]);
    for (const { code, lines } of [first, second]) {
      expect(code).toBe(1);
      expect(lines).toContainEqual(expect.stringMatching(/^kafka: Kafka needs Java 17 .*install openjdk-17-jre/));
    }
    expect(stateOf(one.state)).toEqual(['running', 'running', 'failed']);
    expect((await one.run('status')).code).toBe(3);
  }, 60_000);

  it('has ports and data of its own', async () => {
    await Promise.all([one, other].map((stack) => redis(stack.state, (client) => client.set('whose', stack.dir))));
    expect(await redis(one.state, (client) => client.get('whose'))).toBe(one.dir);
    const ports = [...addressesOf(one.state), ...addressesOf(other.state)].filter(Boolean);
    expect(new Set(ports).size).toBe(4);
  });

  it('says that a port is taken, and takes it when it is free', async () => {
    await other.run('down');
    const port = await freePort();
    const squatter = createServer().listen(port, '127.0.0.1');
    other.env['KAIKA_STACK_REDIS_PORT'] = String(port);
    const { code, lines } = await other.run('up');
    expect(code).toBe(1);
    expect(lines).toContainEqual(expect.stringContaining(`redis: port ${port} of 127.0.0.1 is taken`));
    await new Promise((done) => squatter.close(done));
    await other.until(({ parts }) => parts.redis.state === 'running' && parts.redis.address === `127.0.0.1:${port}`);
  }, 60_000);

  it('uses the server of DATABASE_URL instead of its own, and does not write its password down', async () => {
    const url = postgresUrl(one.state, {});
    const third = new Stack({ ...noJava, DATABASE_URL: url });
    await third.run('up');
    const { postgres } = third.state.parts;
    expect(postgres).toMatchObject({ state: 'external', address: one.state.parts.postgres.address, process: null });
    expect((await third.run('status')).lines[0]).toMatch(/^postgres +running/);
    expect(readFileSync(join(third.dir, 'stack.json'), 'utf8')).not.toContain(new URL(url).password);
    await third.remove();
    expect((await one.run('status')).lines[0]).toMatch(/^postgres +running/);
  }, 60_000);

  it('takes what a killed supervisor left for no stack', () => {
    const left = new Stack();
    const state = { ...one.state, supervisor: { pid: process.pid, birth: 'before the reboot' } };
    writeFileSync(join(left.dir, 'stack.json'), JSON.stringify(state));
    expect([readStack(left.dir), lastStack(left.dir)]).toEqual([undefined, state]);
    rmSync(left.dir, { recursive: true });
  });
});

describe('npm run stack, where a Docker engine answers', () => {
  const stack = new Stack();
  const bin = join(stack.dir, 'bin');
  const calls = join(stack.dir, 'calls');
  mkdirSync(bin);
  const container = (Service: string, ...ports: number[]) => {
    const Publishers = ports.map((TargetPort) => ({ TargetPort, PublishedPort: TargetPort + 1 }));
    return JSON.stringify({ Service, State: 'running', Health: 'healthy', Publishers });
  };
  writeFileSync(
    join(bin, 'docker'),
    `#!/bin/sh
echo "$@" >> '${calls}'
case "$*" in *" ps "*) cat <<'END'
${[container('postgres', 5432), container('redis', 6379), container('kafka', 9092, 9095)].join('\n')}
END
esac
`,
  );
  chmodSync(join(bin, 'docker'), 0o755);
  Object.assign(stack.env, { PATH: `${bin}${delimiter}${process.env['PATH']}`, KAIKA_STACK_DOCKER: '' });
  afterAll(() => rmSync(stack.dir, { recursive: true }));

  it('leaves the parts to docker-compose.yml', async () => {
    const [one, two] = ['docker-compose.yml', 'docker-compose.dev.yml'].map((name) => join(repositoryRoot(), name));
    const files = `-f ${one} -f ${two}`;
    const { code, lines } = await stack.run('up');
    expect({ code, lines }).toEqual({
      code: 0,
      lines: ['postgres   running   127.0.0.1:5433', 'redis      running   127.0.0.1:6380', 'kafka      running   127.0.0.1:9093'], // prettier-ignore
    });
    expect((await stack.run('status')).code).toBe(0);
    const state = readStack(stack.dir)!;
    expect(state).toMatchObject({ engine: 'docker', parts: { kafka: { saslBrokers: '127.0.0.1:9096' } } });
    expect(kafkaPasswordFile(state, 'issuance')).toBe(join(repositoryRoot(), 'deploy', 'secrets', 'kafka-issuance'));
    expect((await stack.run('down')).code).toBe(0);
    const said = readFileSync(calls, 'utf8').trim().split('\n');
    expect(said).toContain(`compose ${files} up -d --wait postgres redis kafka`);
    expect(said.at(-1)).toBe(`compose ${files} stop postgres redis kafka`);
    expect(existsSync(join(stack.dir, 'stack.log'))).toBe(false);
  });

  it('is a choice', async () => {
    stack.env['KAIKA_STACK_DOCKER'] = 'no';
    const before = readFileSync(calls, 'utf8');
    expect((await stack.run('status')).lines).toContainEqual('kafka      stopped   -');
    expect(readFileSync(calls, 'utf8')).toBe(before);
  });
});

describe('the command line', () => {
  const stack = new Stack();
  afterAll(() => rmSync(stack.dir, { recursive: true }));

  it('explains itself', async () => {
    expect(await stack.run('--help')).toMatchObject({ code: 0, lines: expect.arrayContaining([expect.stringContaining('up | down | status')]) }); // prettier-ignore
    expect((await stack.run('upp')).code).toBe(2);
    const settings = (await stack.run('--help')).lines.join('\n').match(/KAIKA_STACK_\w+/g)!;
    const page = readFileSync('docs/OPERATIONS.md', 'utf8');
    expect(settings.length).toBeGreaterThan(5);
    expect(settings.filter((variable) => !page.includes(`\`${variable}\``))).toEqual([]);
  });

  it('names a wrong setting', async () => {
    stack.env['KAIKA_STACK_KAFKA_PORT'] = '99999';
    expect(await stack.run('up')).toEqual({ code: 1, lines: ['KAIKA_STACK_KAFKA_PORT is not a port (0 to 65535)'] });
  });
});
