import { type ChildProcess, spawn } from 'node:child_process';
import { sleep } from '#libs/clock';
import { deathSignal } from '../stack/part-process.js';

export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Resolves true when it does what it is for. */
  readonly ready: () => Promise<boolean>;
  /** What asks it to end. Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
}

const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 10_000;
const START_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 30_000;
const KEPT_LINES = 30;

/**
 * A program that is kept running: started again when it ends by itself, later and later while it keeps ending. It ends
 * with this process, however that ends (Linux: `setpriv --pdeathsig`; elsewhere on a regular end only).
 */
export class Supervised {
  #child: ChildProcess | undefined;
  #stopping = false;
  #lines: string[] = [];
  #run: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  /** How often it was started again. */
  restarts = 0;

  constructor(
    private readonly program: Program,
    private readonly told: (line: string) => void,
    /** Hears of each start, when `pid` is another. */
    private readonly started: () => void = () => {},
  ) {}

  get name(): string {
    return this.program.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** @throws Error with its last lines, when it isn't ready in two minutes or ends at its first start */
  async start(): Promise<void> {
    this.#run = this.#keepRunning();
    for (const until = performance.now() + START_DEADLINE_MS; performance.now() < until; await sleep(50)) {
      if (this.restarts > 0) break;
      if (await this.program.ready()) return;
    }
    throw new Error(`${this.name} did not start:\n${this.#lines.join('\n')}`);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    this.#child?.kill(this.program.stopSignal ?? 'SIGTERM');
    const impatience = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_DEADLINE_MS);
    await this.#run;
    clearTimeout(impatience);
  }

  async #keepRunning(): Promise<void> {
    for (let waitMs = FIRST_WAIT_MS; !this.#stopping;) {
      const began = performance.now();
      const how = await this.#once();
      if (this.#stopping) return;
      this.restarts += 1;
      this.told(`${this.name} ended (${how}); started again in ${waitMs / 1_000} s`);
      const wake = new AbortController();
      this.#wake = () => wake.abort();
      await sleep(waitMs, wake.signal);
      waitMs = performance.now() - began > 60_000 ? FIRST_WAIT_MS : Math.min(2 * waitMs, LAST_WAIT_MS);
    }
  }

  /** @returns how it ended */
  #once(): Promise<string> {
    const { command, args, env, cwd } = this.program;
    const [first, ...rest] = [...DIES_WITH_PARENT, command, ...args];
    const child = spawn(first!, rest, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...(cwd && { cwd }) });
    this.#child = child;
    this.started();
    for (const stream of [child.stdout, child.stderr]) {
      let half = '';
      stream.on('data', (chunk: Buffer) => {
        const lines = (half + chunk.toString()).split('\n');
        half = lines.pop()!;
        for (const line of lines) this.#hear(line);
      });
    }
    return new Promise((done) => {
      child.once('error', (error) => done(error.message));
      child.once('close', (code, signal) => done(signal ?? `exit ${code}`));
    });
  }

  #hear(line: string): void {
    this.#lines = [...this.#lines.slice(1 - KEPT_LINES), line];
    this.told(`${this.name.padEnd(13)} ${line}`);
  }
}

/** They are in groups of their own: Ctrl-C at the terminal must not reach them by itself, since order matters at the end. */
const DIES_WITH_PARENT = deathSignal('KILL');
