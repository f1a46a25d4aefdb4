import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '#libs/clock';
import { ensureKeyPair } from '#libs/credentials';
import { demoToken, type DemoUser } from '../../services/all-in-one/src/demo-users.js';

const MAIN = join(
  import.meta.dirname.replace(/([\\/])test([\\/])demo$/, ''),
  'services/all-in-one/src/main.js',
).replace(/^(?!.*[\\/]dist[\\/])(.*)([\\/])services/, '$1$2dist$2services');
const START_DEADLINE_MS = 120_000;

/** Where a running instance is reached; it writes this file once it answers. */
export interface Address {
  url: string;
  agentUrl: string;
  issuer: string;
  pid: number;
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
  ) {}

  /** Starts, or starts again on the same folder and ports. @throws Error with what it printed when it ends instead */
  async up(): Promise<void> {
    const file = join(this.dataDir, 'instance.json');
    await rm(file, { force: true });
    const ports = this.#address && {
      PORT: new URL(this.#address.url).port,
      KAIKA_AGENT_PORT: new URL(this.#address.agentUrl).port,
    };
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN], {
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        DATA_DIR: this.dataDir,
        PORT: '0',
        KAIKA_AGENT_PORT: '0',
        KAIKA_THROWAWAY: 'true',
        KAIKA_THROWAWAY_START: this.start.toISOString(),
        KAIKA_LOG_LEVEL: process.env['KAIKA_LOG_LEVEL'] ?? 'error',
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
      this.#address =
        (await readFile(file, 'utf8').then(
          (text) => JSON.parse(text) as Address,
          () => undefined,
        )) ?? this.#address;
      if (this.#address?.pid === child.pid) return;
    }
    throw new Error(`the instance did not start:\n${this.#output}`);
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
    return demoToken(
      await ensureKeyPair(join(this.dataDir, 'secrets', 'issuer.jwk'), 'Ed25519'),
      this.address.issuer,
      user,
    );
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
