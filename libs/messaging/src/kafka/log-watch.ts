import type { Admin } from 'kafkajs';
import type { LogMark } from '../bus-record.js';
import type { KafkaConnection } from '../transport-settings.js';
import { kafkaClient } from './client.js';
import { grouped } from './grouped.js';

/**
 * Tells whether a partition is still the log that a mark was taken from, or another of the same name: a topic that was
 * deleted and made again, a broker that came back empty or with an older copy.
 *
 * Topics are stamped by the broker when it appends (`message.timestamp.type=LogAppendTime`), so within one log nothing
 * up to the mark is later than the mark. In another log everything is: its first record later than the mark, or its end
 * when there is none, is at the mark's offset or below.
 */
export class LogWatch {
  #admin: Promise<Admin> | undefined;

  constructor(
    private readonly connection: KafkaConnection,
    private readonly name: string,
  ) {}

  /** @returns those of the marks whose log is gone @throws when the broker, or a topic, is not to be reached */
  async gone(marks: readonly LogMark[]): Promise<LogMark[]> {
    const questions = grouped(marks, ({ topic, storedAtMs }) => `${topic} ${storedAtMs}`);
    const answers = await Promise.all([...questions.values()].map((same) => this.#goneAtOneTime(same)));
    return answers.flat();
  }

  async #goneAtOneTime(marks: LogMark[]): Promise<LogMark[]> {
    const { topic, storedAtMs } = marks[0]!;
    const firstLater = await this.#ask(async (admin) => {
      // Without a broker's time the end of the log says what it can.
      const partitions =
        storedAtMs < 0
          ? await admin.fetchTopicOffsets(topic)
          : await admin.fetchTopicOffsetsByTimestamp(topic, storedAtMs + 1);
      return new Map(partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
    });
    return marks.filter(({ partition, offset }) => {
      const later = firstLater.get(partition);
      if (later === undefined) throw new Error(`${topic} has no partition ${partition}`);
      return later <= offset;
    });
  }

  /** Where a group goes on, with the note it left there. */
  positions(group: string, topics: string[]) {
    return this.#ask((admin) => admin.fetchOffsets({ groupId: group, topics }));
  }

  async close(): Promise<void> {
    const admin = this.#admin;
    this.#admin = undefined;
    await (await admin?.catch(() => undefined))?.disconnect().catch(() => {});
  }

  /** After an error with a new connection: kafkajs' administrator goes on asking a leader that was. */
  async #ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = (this.#admin ??= this.#connect());
    try {
      return await question(await admin);
    } catch (error) {
      if (this.#admin === admin) void this.close();
      throw error;
    }
  }

  async #connect(): Promise<Admin> {
    const admin = (await kafkaClient(this.connection, this.name)).admin();
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      void admin.disconnect().catch(() => {});
      throw error;
    }
  }
}
