import { describe, expect, it } from '@jest/globals';
import { type CardConnection } from '#libs/piv';
import { CardGate, kioskOnly, NoReader } from './reader.js';

const SELECTED = Buffer.from('610450027069' + '9000', 'hex');

function fakeReader() {
  const sent: string[] = [];
  let open = 0;
  const connection: CardConnection = {
    transmit: (apdu) => {
      sent.push(Buffer.from(apdu).toString('hex'));
      return Promise.resolve(SELECTED);
    },
    close: () => {
      open -= 1;
      return Promise.resolve();
    },
  };
  const connect = () => {
    open += 1;
    return Promise.resolve(connection);
  };
  return { connect, connection, sent, open: () => open };
}

describe('CardGate', () => {
  it('lets one session at the card at a time, in the order they came, each ended by a reset', async () => {
    const reader = fakeReader();
    const gate = new CardGate(reader);
    const order: number[] = [];
    const one = (n: number) =>
      gate.use(() => {
        order.push(n);
        expect(reader.open()).toBe(1);
        expect(gate.busy).toBe(true);
        return n === 2 ? Promise.reject(new Error('the second fails')) : Promise.resolve(n);
      });
    const results = await Promise.allSettled([one(1), one(2), one(3)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(order).toEqual([1, 2, 3]);
    expect(reader.open()).toBe(0);
    expect(gate.busy).toBe(false);
  });

  it('is free again after a reader that is not there', async () => {
    const gate = new CardGate(new NoReader());
    for (let n = 0; n < 2; n++) {
      await expect(gate.use(() => Promise.resolve())).rejects.toMatchObject({
        code: 'noReader',
        params: { state: 'pcsc-missing' },
      });
    }
    expect(gate.busy).toBe(false);
  });
});

describe('kioskOnly', () => {
  it('passes on what a kiosk sends and nothing that writes a card', async () => {
    const { connection, sent } = fakeReader();
    const kiosk = kioskOnly(connection);
    for (const ins of Array(256).keys()) {
      for (const key of [0x80, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e]) {
        await kiosk.transmit(Buffer.of(0, ins, 0, key)).catch(() => undefined);
        await kiosk.transmit(Buffer.of(0x10, ins, 0, key)).catch(() => undefined);
      }
    }
    expect([...new Set(sent.map((apdu) => apdu.slice(2, 4)))]).toEqual(['20', '24', '2c', '87', 'a4', 'c0', 'cb']);
    const keys = sent.filter((apdu) => apdu.startsWith('87', 2)).map((apdu) => apdu.slice(6));
    expect([...new Set(keys)]).toEqual(['9c', '9e']);
  });
});
