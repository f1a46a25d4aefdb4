import { describe, expect, it } from '@jest/globals';
import { type CardConnection } from '#libs/piv';
import { kioskOnly, type Permission } from './allow-list.js';
import { CardGate } from './card-gate.js';

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
    const gate = new CardGate();
    const order: number[] = [];
    const one = (n: number) =>
      gate.use(reader.connect, 'look', () => {
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

  it('is free again after a reader that could not connect', async () => {
    const gate = new CardGate();
    const broken = () => Promise.reject(new Error('unplugged'));
    for (let n = 0; n < 2; n++) {
      await expect(gate.use(broken, 'look', () => Promise.resolve())).rejects.toThrow('unplugged');
    }
    expect(gate.busy).toBe(false);
  });
});

describe('kioskOnly', () => {
  /** Every class, INS and P2, without data and with it: what passes, as INS P2, + with data. */
  async function passing(permission: Permission): Promise<string[]> {
    const { connection, sent } = fakeReader();
    const kiosk = kioskOnly(connection, permission);
    for (const ins of Array(256).keys()) {
      for (const p2 of [0x00, 0x80, 0x81, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0xff]) {
        for (const cla of [0x00, 0x10, 0x0c, 0x80]) {
          await kiosk.transmit(Buffer.of(cla, ins, 0, p2)).catch(() => undefined);
          await kiosk.transmit(Buffer.of(cla, ins, 0, p2, 1, 0)).catch(() => undefined);
        }
      }
    }
    expect([...new Set(sent.map((apdu) => apdu.slice(0, 2)))]).toEqual(['00', '10']);
    const named = sent.map((apdu) => `${apdu.slice(2, 4)} ${apdu.slice(6, 8)}${apdu.length > 10 ? '+' : ''}`);
    return [...new Set(named)].filter((command) => !/^(a4|c0|cb)/.test(command));
  }

  it('passes on what a session is for, and nothing that writes a card', async () => {
    expect(await passing('look')).toEqual(['20 80', '87 9e', '87 9e+']);
    const pin = ['20 80', '20 80+', '24 80', '24 80+', '87 9c', '87 9c+', '87 9e', '87 9e+'];
    expect(await passing('pin')).toEqual(pin);
    const puk = ['24 81', '24 81+', '2c 80', '2c 80+', 'f7 81'];
    expect((await passing('job')).sort()).toEqual([...pin, ...puk].sort());
  });
});
