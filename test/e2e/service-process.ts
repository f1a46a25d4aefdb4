import { type ChildProcess, spawn } from 'node:child_process';
import { sleep } from '#libs/clock';

const START_DEADLINE_MS = 60_000;

/** One service as a program of its own, from `dist`, as a deployment runs it. */
export class ServiceProcess {
  readonly #child: ChildProcess;
  /** Exit code, or null when a signal ended it. */
  readonly ended: Promise<number | null>;
  output = '';

  constructor(service: string, env: NodeJS.ProcessEnv, ...args: string[]) {
    this.#child = spawn(process.execPath, [`dist/services/${service}/src/main.js`, ...args], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.ended = new Promise((done) => this.#child.once('close', done));
  }

  /** Its address, once it listens. @throws Error with what it said when it ends before */
  async listening(): Promise<string> {
    let over = false;
    void this.ended.then(() => (over = true));
    for (const until = performance.now() + START_DEADLINE_MS; performance.now() < until; await sleep(20)) {
      const url = /listens on (http:\S+)/.exec(this.output)?.[1];
      if (url) return url;
      if (over) break;
    }
    throw new Error(`it does not listen:\n${this.output}`);
  }

  /** Its address, once it is ready. */
  async ready(): Promise<string> {
    const url = await this.listening();
    for (const until = performance.now() + START_DEADLINE_MS; performance.now() < until; await sleep(20)) {
      if ((await fetch(`${url}/readyz`)).status === 200) return url;
    }
    throw new Error(`it does not become ready:\n${this.output}`);
  }

  signal(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.ended;
  }
}
