import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BEFORE_KEYS, COUNTERS, type Exchange, OBJECT_AND_RSA, SEALED } from './piv-trace.fixture.js';
import { type VirtualCard } from './virtual-card.js';
import { VirtualCardStore } from './virtual-card-store.js';

describe('The virtual card beside a real applet', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-card-'));
  const store = new VirtualCardStore(dir);
  let card: VirtualCard;

  beforeAll(async () => {
    await store.create('EC12345678901234', { digitsOnly: true });
    card = await store.open('EC12345678901234');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  async function replay({ step, apdu, sw, data, bytes }: Exchange): Promise<void> {
    const answer = (await card.transmit(Buffer.from(apdu, 'hex'))).toString('hex').toUpperCase();
    expect(`${step}: ${answer.slice(-4)}`).toBe(`${step}: ${sw}`);
    if (data !== undefined) expect(answer.slice(0, data.length)).toBe(data);
    if (bytes !== undefined) expect(answer.length / 2 - 2).toBe(bytes);
  }

  it('answers every recorded command with the recorded status word', async () => {
    for (const exchange of [...BEFORE_KEYS, ...OBJECT_AND_RSA, ...COUNTERS]) await replay(exchange);
  });

  it('refuses to be written once its personalisation is over', async () => {
    await card.seal();
    for (const exchange of SEALED) await replay(exchange);
    await replay({ step: 'GENERATE', apdu: '0047009E05AC0380011100', sw: '6982' });
  });
});
