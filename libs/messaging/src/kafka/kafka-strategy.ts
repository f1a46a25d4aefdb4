import { Logger } from '@nestjs/common';
import { BaseRpcContext, type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { sleep } from '#libs/clock';
import type { Delivery } from '../bus-record.js';
import { deliver } from '../deliver.js';
import type { KafkaConnection } from '../transport-settings.js';
import type { Watchdog } from '../watchdog.js';
import { messageOf, withAdmin } from './client.js';
import { GroupMember } from './group-member.js';

export interface KafkaStrategyOptions {
  connection: KafkaConnection;
  /** Consumer group: the service's name. */
  group: string;
  /** Topics that copy a log: their records may be handled in any order. Default none. */
  replicated?: readonly string[];
  /** Is told when consuming stands still although the broker answers. */
  watchdog?: Watchdog;
  /** How long it may stand still. Default 60 s; a third of it until the consumer is built anew. */
  limitMs?: number;
  /** How often that is looked at. Default 5 s. */
  everyMs?: number;
}

const RETRY_MS = 500;

/**
 * Serves Nest's `@EventPattern(topic)` handlers from Kafka: in order within a partition, the position moved after the
 * handler. Not Nest's own `ServerKafka`: docs/adr/0006.
 */
export class KafkaStrategy extends Server implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #member: GroupMember | undefined;
  #done: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: KafkaStrategyOptions) {
    super();
    this.#log = new Logger(`consumer ${options.group}`);
  }

  /** Calls back at once: a service is up before its bus is (DESIGN.md §3, "Staying up"). */
  listen(callback: (error?: unknown) => void): void {
    for (const [topic, handler] of this.messageHandlers) {
      if (handler.next) return callback(new Error(`${this.options.group} has two handlers for ${topic}; merge them`));
    }
    if (this.messageHandlers.size > 0) {
      this.#done = Promise.all([this.#follow(), this.#guard()]).catch((error: unknown) => {
        this.options.watchdog?.ended(`consuming ended: ${String((error as Error)?.stack ?? error)}`);
      });
    }
    callback();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Hands one record to its handler; rejects if the handler does. */
  deliver(delivery: Delivery): Promise<void> {
    return deliver(this, delivery, new BaseRpcContext([delivery]));
  }

  /** Partitions this member owns now, as `topic/partition`. */
  get owned(): string[] {
    return this.#member?.owned ?? [];
  }

  on(): void {}

  unwrap<T>(): T {
    return this.#member as T;
  }

  /** Member of the group for as long as kafkajs holds out; then another, for ever. */
  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      const { connection, group, replicated = [] } = this.options;
      const handle = (delivery: Delivery) => this.deliver(delivery);
      const member = new GroupMember({ connection, group, topics: this.#topics, replicated, handle, log: this.#log });
      this.#member = member;
      await member.run(signal).catch((error: unknown) => {
        if (member.fetches > 0) failures = 0;
        if (failures++ % 60 === 0) this.#log.warn(`waiting for the bus: ${messageOf(error)}`);
      });
      await sleep(RETRY_MS, signal);
    }
  }

  /** Time in which the broker is away, or does not let us read, does not count. */
  async #guard(): Promise<void> {
    const { signal } = this.#stop;
    const { limitMs = 60_000, everyMs = 5_000, watchdog } = this.options;
    let [stuckMs, builtMs] = [0, 0];
    while (!signal.aborted) {
      const [member, fetches] = [this.#member, this.#member?.fetches];
      await sleep(everyMs, signal);
      if (signal.aborted) return;
      const moves = member === this.#member && member?.fetches !== fetches;
      if (moves || !(await this.#brokerAnswers())) {
        [stuckMs, builtMs] = [0, 0];
        continue;
      }
      [stuckMs, builtMs] = [stuckMs + everyMs, builtMs + everyMs];
      if (stuckMs >= limitMs) watchdog?.ended(`nothing was fetched for ${limitMs / 1_000} s while the broker answers`);
      if (builtMs >= limitMs / 3) {
        builtMs = 0;
        this.#member?.abandon('nothing was fetched while the broker answers');
      }
    }
  }

  /** Not only it: also that the topics are there, and that we may read them as this group. */
  async #brokerAnswers(): Promise<boolean> {
    const { connection, group } = this.options;
    try {
      await withAdmin(connection, `${group}-guard`, (admin) => admin.fetchOffsets({ groupId: group, topics: this.#topics })); // prettier-ignore
      return true;
    } catch {
      return false;
    }
  }

  get #topics(): string[] {
    return [...this.messageHandlers.keys()];
  }
}
