import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { MigrationInterface } from 'typeorm';
import { APP_CONNECTIONS, PROCESS_CONNECTIONS } from './connections.js';
import { migrate, provision, schemaState, withTestDatabase } from './index.js';

class Old1764000000001 implements MigrationInterface {
  up = () => Promise.resolve();
  down = () => Promise.resolve();
}
class New1764000000002 extends Old1764000000001 {}

describe('the state of a schema', () => {
  const database = withTestDatabase();
  const urls = () => provision(database.url, 'card-desk', { owner: 'owner', app: 'app' });

  it('says what this release needs and nobody has applied, and minds no newer migration', async () => {
    const { ownerUrl, appUrl } = await urls();
    const both = [Old1764000000001, New1764000000002];
    const missing = async (migrations: (typeof both)[number][]) => schemaState(appUrl, 'card_desk', migrations);
    expect(await missing(both)).toEqual({ missing: ['Old1764000000001', 'New1764000000002'] });
    await migrate({ ownerUrl, schema: 'card_desk', migrations: [Old1764000000001] });
    expect(await missing(both)).toEqual({ missing: ['New1764000000002'] });
    await migrate({ ownerUrl, schema: 'card_desk', migrations: both });
    expect(await missing(both)).toEqual({ missing: [] });
    expect(await missing([Old1764000000001])).toEqual({ missing: [] });
    expect(await schemaState(appUrl, 'elsewhere', both)).toMatchObject({ missing: { length: 2 } });
  });

  it('does not wait for a server that says nothing', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const { port } = silent.address() as AddressInfo;
    const { trouble, missing } = await schemaState(`postgres://u:p@127.0.0.1:${port}/x`, 'x', [Old1764000000001]);
    expect(trouble).toMatch(/timeout/);
    expect(missing).toEqual([]);
    silent.close();
  });

  it('can be asked of by three processes of a service that use all of their connections', async () => {
    const { appUrl } = await urls();
    const [{ limit }] = (await (
      await database.open(appUrl, 'card_desk')
    ).query('select rolconnlimit as limit from pg_roles where rolname = current_user')) as [{ limit: number }];
    expect(limit).toBe(APP_CONNECTIONS);
    expect(APP_CONNECTIONS).toBe(3 * PROCESS_CONNECTIONS + 1);
  });
});
