import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '#libs/clock';
import { ensureKeyPair } from '#libs/credentials';
import { issueToken, type Role, ROLES, serviceTokens } from '#libs/doors';
import { demoToken, type DemoUser } from '../../services/all-in-one/src/demo-users.js';

/** Below `dist`, from this file's place there or in the sources. */
const DIST = join(import.meta.dirname.replace(/([\\/]dist)?[\\/]test[\\/]demo$/, ''), 'dist');
const START_DEADLINE_MS = 180_000;

/** How the services run: in one process, or each in its own on a stack (DESIGN.md §1). */
export interface Profile {
  readonly name: 'embedded' | 'distributed';
  /** What starts it, below `dist`. */
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
}

export const EMBEDDED: Profile = { name: 'embedded', main: 'services/all-in-one/src/main.js', env: {} };

export const distributedOn = (stackDir: string): Profile => ({
  name: 'distributed',
  main: 'deploy/distributed/main.js',
  env: { KAIKA_STACK_DIR: stackDir },
});

/** Where a running instance is reached; it writes this file once it answers. */
export interface Address {
  url: string;
  agentUrl: string;
  issuer: string;
  pid: number;
  /** Of the distributed profile: which process is which. */
  processes?: Record<string, number>;
}

/** A throw-away instance as a process of its own, so that it can be killed. */
export class Instance {
  #child: ChildProcess | undefined;
  #address: Address | undefined;
  #output = '';

  constructor(
    readonly dataDir: string,
    private readonly start: Date,
    private readonly log: (line: string) => void = () => {},
    readonly profile: Profile = EMBEDDED,
  ) {}

  /** Starts, or starts again on the same folder and ports. @throws Error with what it printed when it ends instead */
  async up(): Promise<void> {
    const file = join(this.dataDir, 'instance.json');
    await rm(file, { force: true });
    const ports = this.#address && {
      PORT: new URL(this.#address.url).port,
      KAIKA_AGENT_PORT: new URL(this.#address.agentUrl).port,
    };
    const child = spawn(process.execPath, ['--enable-source-maps', join(DIST, this.profile.main)], {
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        DATA_DIR: this.dataDir,
        PORT: '0',
        KAIKA_AGENT_PORT: '0',
        KAIKA_THROWAWAY: 'true',
        KAIKA_THROWAWAY_START: this.start.toISOString(),
        KAIKA_LOG_LEVEL: process.env['KAIKA_LOG_LEVEL'] ?? 'error',
        ...this.profile.env,
        ...ports,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#output = '';
    let ended = false;
    child.once('close', () => (ended = true));
    const collect = (chunk: Buffer) => {
      this.#output += chunk.toString();
      for (const line of chunk.toString().split('\n')) if (line.trim()) this.log(line);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    for (const until = performance.now() + START_DEADLINE_MS; performance.now() < until; await sleep(50)) {
      if (ended) throw new Error(`the instance ended at its start:\n${this.#output}`);
      this.#address = (await this.#announced()) ?? this.#address;
      if (this.#address?.pid === child.pid) return;
    }
    throw new Error(`the instance did not start:\n${this.#output}`);
  }

  /**
   * Kills (SIGKILL) what runs; of the distributed profile one of its programs, which is then started again.
   *
   * @returns what was killed, once it runs again
   */
  async disturb(program?: string): Promise<string> {
    if (this.profile.name === 'embedded') {
      await this.kill();
      await this.up();
      return 'all';
    }
    const { processes = {} } = (await this.#announced()) ?? {};
    const name = program ?? Object.keys(processes)[randomInt(Object.keys(processes).length)]!;
    process.kill(processes[name]!, 'SIGKILL');
    for (const until = performance.now() + START_DEADLINE_MS; performance.now() < until; await sleep(50)) {
      const now = (await this.#announced())?.processes?.[name];
      if (now !== undefined && now !== processes[name]) return name;
    }
    throw new Error(`${name} was not started again:\n${this.#output}`);
  }

  #announced(): Promise<Address | undefined> {
    return readFile(join(this.dataDir, 'instance.json'), 'utf8').then(
      (text) => JSON.parse(text) as Address,
      () => undefined,
    );
  }

  get address(): Address {
    if (!this.#address) throw new Error('the instance has not started');
    return this.#address;
  }

  /** Everything it has printed since its last start. */
  get output(): string {
    return this.#output;
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** As Ctrl-C does. @returns its exit code */
  async stop(): Promise<number | null> {
    return this.end('SIGINT');
  }

  async token(user: DemoUser): Promise<string> {
    return demoToken(await this.#key('issuer.jwk'), this.address.issuer, user);
  }

  /** Of somebody with these roles; where only services may come, of a service. */
  async tokenFor(allowed: readonly Role[]): Promise<string> {
    if (allowed.includes('service')) {
      return serviceTokens(await this.#key('crl-publisher-token.jwk'), 'crl-publisher')();
    }
    const { issuer } = this.address;
    return issueToken(await this.#key('issuer.jwk'), {
      issuer,
      subject: 'test',
      roles: allowed,
      lifetimeSeconds: 7_200,
    });
  }

  /** For any endpoint by who may come there: of somebody with every role of a person, or of a service. */
  async authorization(allow: 'anyone' | readonly Role[] | undefined): Promise<string> {
    const onlyServices = Array.isArray(allow) && allow.every((role) => role === 'service');
    return `Bearer ${await this.tokenFor(onlyServices ? ['service'] : ROLES.filter((role) => role !== 'service'))}`;
  }

  #key(name: string) {
    return ensureKeyPair(join(this.dataDir, 'secrets', name), 'Ed25519');
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<void>((done) => child.once('close', () => done()));
    child.kill(signal);
    await ended;
    return child.exitCode;
  }
}
