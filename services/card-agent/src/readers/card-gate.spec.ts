import { describe, expect, it } from '@jest/globals';
import { CaError } from '#libs/errors';
import { type CardConnection } from '#libs/piv';
import { kioskOnly, type Permission } from './allow-list.js';
import { CardGate } from './card-gate.js';
import { NotSent } from './not-sent.js';

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

const inTenSeconds = () => ({ permission: 'look', deadline: performance.now() + 10_000 }) as const;

describe('CardGate', () => {
  it('lets one session at the card at a time, in the order they came, each ended by a reset', async () => {
    const reader = fakeReader();
    const gate = new CardGate();
    const order: number[] = [];
    const one = (n: number) =>
      gate.use(reader.connect, inTenSeconds(), () => {
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
      await expect(gate.use(broken, inTenSeconds(), () => Promise.resolve())).rejects.toThrow('unplugged');
    }
    expect(gate.busy).toBe(false);
  });
});

describe('the deadline of a request', () => {
  const soon = () => ({ permission: 'look', deadline: performance.now() + 30 }) as const;
  const late = { code: 'cardCommunication' };
  const until = async (isTrue: () => boolean) => {
    while (!isTrue()) await new Promise(setImmediate);
  };

  it('ends a card that answers each command in time and never all of them', async () => {
    const reader = fakeReader();
    const { transmit } = reader.connection;
    reader.connection.transmit = (apdu) => new Promise(setImmediate).then(() => transmit(apdu));
    const gate = new CardGate();
    const endless = gate.use(reader.connect, soon(), async (card) => {
      for (;;) await card.pinTries();
    });
    await expect(endless).rejects.toMatchObject(late);
    await until(() => !gate.busy);
    expect(reader.open()).toBe(0);
  });

  it('answers while a reader still hangs; the reader is free, and the card reset, when it stops hanging', async () => {
    const reader = fakeReader();
    const gate = new CardGate();
    let powered: (connection: CardConnection) => void = () => undefined;
    const hanging = () => new Promise<CardConnection>((resolve) => (powered = resolve));
    const done: string[] = [];
    const first = gate.use(hanging, soon(), () => Promise.resolve(done.push('the first')));
    await expect(first).rejects.toMatchObject(late);
    expect(gate.busy).toBe(true);
    await expect(gate.use(reader.connect, soon(), () => Promise.resolve())).rejects.toMatchObject({
      code: 'readerBusy',
    });
    powered(await reader.connect());
    await until(() => !gate.busy);
    expect(reader.open()).toBe(0);
    expect(reader.sent).toEqual([]); // not even SELECT: nobody waits for it
    expect(await gate.use(reader.connect, inTenSeconds(), () => Promise.resolve(done.push('the next')))).toBe(1);
    expect(done).toEqual(['the next']);
  });

  it.each([
    ['whole, that of the next command says it was not sent', '9000', NotSent],
    ['in the middle (61xx), that of the same command does not say so', '6110', CaError],
    ['refused for its length (6Cxx), neither', '6c10', CaError],
  ])('is told by the error: with an answer %s', async (_, sw, kind) => {
    const reader = fakeReader();
    const gate = new CardGate();
    let answer: () => void = () => undefined;
    let heard: unknown;
    const { transmit } = reader.connection;
    reader.connection.transmit = async (apdu) => {
      if (apdu[1] === 0xa4) return transmit(apdu);
      await new Promise<void>((resolve) => (answer = resolve));
      return Buffer.from(sw, 'hex');
    };
    const work = gate.use(reader.connect, { ...soon(), permission: 'pin' }, async (card) => {
      try {
        await card.changePin('123456', '654321');
        await card.verifyPin('654321');
      } catch (error) {
        heard = error;
      }
    });
    await expect(work).rejects.toMatchObject(late);
    answer();
    await until(() => !gate.busy);
    expect(heard).toMatchObject(late);
    expect((heard as Error).constructor).toBe(kind);
  });

  it('keeps what was done in time when only the reset at the end hangs', async () => {
    const reader = fakeReader();
    const gate = new CardGate();
    let reset: () => void = () => undefined;
    reader.connection.close = () => new Promise((resolve) => (reset = resolve));
    expect(await gate.use(reader.connect, soon(), () => Promise.resolve('done'))).toBe('done');
    expect(gate.busy).toBe(true);
    reset();
    await until(() => !gate.busy);
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
