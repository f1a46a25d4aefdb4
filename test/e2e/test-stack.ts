import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '#libs/clock';
import type { PartName } from '../../deploy/stack/stack-file.js';
import { startStack, type Supervision } from '../../deploy/stack/supervise.js';

const PATIENCE_MS = 120_000;

/** A stack of its own on free ports, whose parts can be killed; a killed part is started again by its supervisor. */
export class TestStack {
  readonly dir = mkdtempSync(join(tmpdir(), 'kaika-stack-'));
  #running: Supervision | undefined;

  constructor(
    /** Whether PostgreSQL may forget what it acknowledged in a power cut: tests have none. */
    private readonly forgetful = true,
  ) {}

  async start(): Promise<void> {
    const anyPort = { postgres: 0, redis: 0, kafka: 0, kafkaSasl: 0 };
    const postgresSettings: Record<string, string> = this.forgetful ? { fsync: 'off', full_page_writes: 'off' } : {};
    this.#running = await startStack({ dir: this.dir, ports: anyPort, postgresSettings });
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** `host:port` of Kafka's listener without login. */
  get brokers(): string {
    return this.#parts.kafka.brokers!;
  }

  /** SIGKILL. Resolves when the part runs again. */
  async kill(name: PartName): Promise<void> {
    const { process: victim, restarts } = this.#parts[name];
    process.kill(victim!.pid, 'SIGKILL');
    for (const until = performance.now() + PATIENCE_MS; performance.now() < until; await sleep(20)) {
      const part = this.#parts[name];
      if (part.restarts > restarts && part.state === 'running') return;
    }
    throw new Error(`${name} did not come back`);
  }

  get #parts() {
    if (!this.#running) throw new Error('the stack runs from start to stop');
    return this.#running.stack.parts;
  }
}
