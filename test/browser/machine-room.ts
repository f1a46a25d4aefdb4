import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Topic } from '#libs/events';
import { EmbeddedLog } from '#libs/messaging';
import { PivCard } from '#libs/piv';
import { VirtualCardStore } from '#libs/virtual-card';
import type { Instance } from '../demo/instance.js';

const PORT_LINE = 3;

/** What no page can do to a running instance: accidents in its databases, on its bus, at a card. */
export class MachineRoom {
  constructor(private readonly instance: Instance) {}

  /** @param statement as the database's superuser */
  async sql(statement: string, values: unknown[] = []): Promise<number> {
    const client = new Client({ connectionString: this.#databaseUrl() });
    await client.connect();
    try {
      return (await client.query(statement, values)).rowCount ?? 0;
    } finally {
      await client.end();
    }
  }

  /** A record on the bus that is no event of ours. */
  async poison(topic: Topic, key: string, value: string): Promise<void> {
    const bus = new EmbeddedLog(`${this.#databaseUrl()}?options=${encodeURIComponent('-c search_path=bus')}`);
    await bus.send([{ topic, key, id: crypto.randomUUID(), value }]);
    await bus.close();
  }

  /** Somebody types wrong PINs until the card, which is in no reader, has no tries left. */
  async block(cardNumber: string): Promise<void> {
    const connection = await new VirtualCardStore(join(this.instance.dataDir, 'virtual-cards')).open(cardNumber);
    const card = await PivCard.select(connection);
    while ((await card.pinTries()) !== 0) await card.verifyPin('00000000');
    await connection.close();
  }

  #databaseUrl(): string {
    const folder = join(this.instance.dataDir, 'postgres');
    const password = readFileSync(join(folder, 'superuser-password'), 'utf8').trim();
    const port = readFileSync(join(folder, 'pgdata', 'postmaster.pid'), 'utf8').split('\n')[PORT_LINE]!;
    return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  }
}
