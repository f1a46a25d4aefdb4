import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FACTORY_MANAGEMENT_KEY, PivCard } from '#libs/piv';
import { VirtualCardStore } from './virtual-card-store.js';

const NUMBER = 'EC00000000000001';

describe('VirtualCardStore', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-store-'));
  const store = new VirtualCardStore(dir);
  beforeAll(() => store.create(NUMBER));
  afterAll(() => rmSync(dir, { recursive: true }));

  it('lists its cards, test cards among them, and takes no name that is not a card number', async () => {
    await store.create('TEST000000000001');
    expect(await store.list()).toEqual([NUMBER, 'TEST000000000001']);
    for (const wrong of ['../../etc/passwd', 'ec00000000000001', '', 'EC1']) {
      await expect(store.create(wrong)).rejects.toMatchObject({ code: 'unknownCard' });
      await expect(store.insert(wrong)).rejects.toMatchObject({ code: 'unknownCard' });
    }
  });

  it('powers a card in one place at a time', async () => {
    const connection = await store.open(NUMBER);
    const another = new VirtualCardStore(dir);
    await expect(another.open(NUMBER)).rejects.toMatchObject({ code: 'readerBusy' });
    await expect(another.create(NUMBER)).rejects.toMatchObject({ code: 'readerBusy' });
    await connection.close();
    await (await another.open(NUMBER)).close();
  });

  it('lets one of two that open a card at once have it', async () => {
    const results = await Promise.allSettled([store.open(NUMBER), store.open(NUMBER)]);
    const opened = results.filter((result) => result.status === 'fulfilled');
    expect(opened).toHaveLength(1);
    await opened[0]?.value.close();
  });

  it('has a reader whose card stays in over a restart and can be pulled in the middle of a session', async () => {
    await expect(store.connect()).rejects.toMatchObject({ code: 'noCard' });
    await store.insert(NUMBER);
    const restarted = new VirtualCardStore(dir);
    expect(await restarted.inserted()).toBe(NUMBER);

    const connection = await restarted.connect();
    const card = await PivCard.select(connection);
    await store.eject();
    await expect(card.pinTries()).rejects.toMatchObject({ code: 'cardRemoved' });
    expect(await restarted.inserted()).toBeNull();
    await connection.close();
    await store.insert(NUMBER);
    await (await store.connect()).close();
  });

  it('makes a card again that nobody has begun with, and never overwrites another', async () => {
    await store.create(NUMBER);
    const card = await store.open(NUMBER);
    await (await PivCard.select(card)).setInitialPin('87654321');
    await card.close();
    await expect(store.create(NUMBER)).rejects.toMatchObject({ code: 'conflict' });

    const other = 'EC00000000000009';
    await store.create(other);
    const managed = await store.open(other);
    const piv = await PivCard.select(managed);
    await piv.authenticateManagement(FACTORY_MANAGEMENT_KEY);
    await piv.setManagementKey(Buffer.alloc(24, 9));
    await managed.close();
    await expect(store.create(other)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('refuses to be used in production', async () => {
    const before = process.env.NODE_ENV;
    process.env.NODE_ENV = 'production';
    try {
      const inProduction = new VirtualCardStore(dir);
      await expect(inProduction.create(NUMBER)).rejects.toMatchObject({ code: 'noReader' });
      await expect(inProduction.open(NUMBER)).rejects.toMatchObject({ code: 'noReader' });
      await expect(inProduction.list()).rejects.toMatchObject({ code: 'noReader' });
    } finally {
      process.env.NODE_ENV = before;
    }
  });
});
