import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cryptBlock, FACTORY_MANAGEMENT_KEY } from '#libs/piv';
import { BEFORE_9B, COUNTERS, type Exchange, OBJECT_AND_RSA, WITH_9B } from './piv-trace.fixture.js';
import { type VirtualCard } from './virtual-card.js';
import { VirtualCardStore } from './virtual-card-store.js';

describe('The virtual card beside a real applet', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-card-'));
  const store = new VirtualCardStore(dir);
  let card: VirtualCard;

  beforeAll(async () => {
    await store.create('EC12345678901234', { family: 'pivapplet' });
    card = await store.open('EC12345678901234');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  async function replay({ step, apdu, sw, data, bytes }: Exchange): Promise<string> {
    const answer = (await card.transmit(Buffer.from(apdu, 'hex'))).toString('hex').toUpperCase();
    expect(`${step}: ${answer.slice(-4)}`).toBe(`${step}: ${sw}`);
    if (data !== undefined) expect(`${step}: ${answer.slice(0, data.length)}`).toBe(`${step}: ${data}`);
    if (bytes !== undefined) expect(`${step}: ${answer.length / 2 - 2}`).toBe(`${step}: ${bytes}`);
    return answer;
  }

  /** The two commands of the trace whose data depend on what the card makes up. */
  async function authenticate9B(): Promise<void> {
    const witness = { step: '9B: a witness', apdu: '0087039B047C02800000', sw: '9000', data: '7C0A8008', bytes: 12 };
    const encrypted = Buffer.from((await replay(witness)).slice(8, 24), 'hex');
    const plain = cryptBlock('decrypt', '3des', FACTORY_MANAGEMENT_KEY, encrypted).toString('hex').toUpperCase();
    const apdu = `0087039B187C168008${plain}8108A85B6BBF0B9580EE820000`;
    const answer = await replay({ step: '9B: both', apdu, sw: '9000', data: '7C0A8208', bytes: 12 });
    const expected = cryptBlock('encrypt', '3des', FACTORY_MANAGEMENT_KEY, Buffer.from('A85B6BBF0B9580EE', 'hex'));
    expect(answer.slice(8, 24)).toBe(expected.toString('hex').toUpperCase());
  }

  it('answers every recorded command with the recorded status word', async () => {
    for (const exchange of BEFORE_9B) await replay(exchange);
    await authenticate9B();
    for (const exchange of [...WITH_9B, ...OBJECT_AND_RSA, ...COUNTERS]) await replay(exchange);
  });
});
