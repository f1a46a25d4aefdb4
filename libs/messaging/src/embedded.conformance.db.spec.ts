import { Client } from 'pg';
import { migrate, type ServiceUrls, provision, TestDatabase } from '#libs/database';
import { transportConformance } from '../test/conformance.js';
import { BUS_MIGRATIONS, EmbeddedLog } from './index.js';

const bus = new TestDatabase();
let urls: ServiceUrls;

async function asAdmin(sql: string, values: unknown[] = []): Promise<void> {
  const client = new Client({ connectionString: bus.url });
  await client.connect();
  await client.query(sql, values);
  await client.end();
}

transportConformance('embedded', {
  start: async () => {
    await bus.start();
    urls = await provision(bus.url, 'bus', { owner: 'o', app: 'a' });
    await migrate({ ownerUrl: urls.ownerUrl, schema: 'bus', migrations: BUS_MIGRATIONS });
  },
  stop: () => bus.stop(),
  transport: () => ({ kind: 'embedded', busUrl: urls.appUrl }),
  sink: () => new EmbeddedLog(urls.appUrl),
  interrupt: () => bus.server.stop(),
  resume: () => bus.restart(),
  rewind: (group) => asAdmin('delete from bus.group_offset where group_id = $1', [group]),
});
