import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type RunningRedis, startRedis } from '../../../deploy/stack/redis.js';

/** A real Redis of one test file, always on the same port. */
export class TestRedis {
  #running?: RunningRedis;
  #url = '';
  readonly #dirs: string[] = [];

  get url(): string {
    return this.#url;
  }

  /** Empty. */
  async start(): Promise<void> {
    const dir = mkdtempSync(join(tmpdir(), 'kaika-redis-'));
    this.#dirs.push(dir);
    const port = this.#url ? Number(new URL(this.#url).port) : undefined;
    this.#running = await startRedis({ dir, ...(port && { port }) });
    this.#url = this.#running.url;
  }

  /** SIGKILL; what it knew is lost. */
  async kill(): Promise<void> {
    await this.#running?.kill();
    this.#running = undefined;
  }

  /** It keeps its connections and answers nothing more. */
  freeze(): void {
    process.kill(this.#running!.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.#running!.pid, 'SIGCONT');
  }

  /** One command, on a connection of its own. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    const client = new Redis(this.#url, { lazyConnect: true, maxRetriesPerRequest: 1 });
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  async close(): Promise<void> {
    await this.#running?.stop();
    for (const dir of this.#dirs) rmSync(dir, { recursive: true, force: true });
  }
}
