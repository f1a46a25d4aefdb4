import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CaError } from '#libs/errors';
import { ATR, type PlugState, VpcdPlug } from './vpcd-plug.js';

/** The reader's end, as vsmartcard's driver speaks. */
class FakeReader {
  #received = Buffer.alloc(0);
  #waiting: ((message: Buffer) => void)[] = [];
  readonly closed: Promise<void>;

  constructor(private readonly socket: Socket) {
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      while (this.#received.length >= 2 && this.#received.length >= 2 + this.#received.readUInt16BE(0)) {
        const end = 2 + this.#received.readUInt16BE(0);
        this.#waiting.shift()?.(this.#received.subarray(2, end));
        this.#received = this.#received.subarray(end);
      }
    });
  }

  send(hex: string): void {
    this.socket.write(message(hex));
  }

  ask(hex: string): Promise<string> {
    const answer = new Promise<Buffer>((resolve) => this.#waiting.push(resolve));
    this.send(hex);
    return answer.then((octets) => octets.toString('hex'));
  }

  raw(octets: Buffer): void {
    this.socket.write(octets);
  }

  hangUp(): void {
    this.socket.destroy();
  }
}

const message = (hex: string) => {
  const data = Buffer.from(hex, 'hex');
  return Buffer.concat([Buffer.of(data.length >> 8, data.length & 0xff), data]);
};

describe('VpcdPlug', () => {
  let server: Server;
  let port: number;
  let readers: FakeReader[];
  let expected: ((reader: FakeReader) => void)[];
  /** What happened to the card. */
  let card: string[];
  let plug: VpcdPlug;

  const nextReader = () => readers.shift() ?? new Promise<FakeReader>((resolve) => expected.push(resolve));

  beforeEach(async () => {
    [readers, expected, card] = [[], [], []];
    server = createServer((socket) => {
      const reader = new FakeReader(socket);
      const take = expected.shift();
      if (take) take(reader);
      else readers.push(reader);
    });
    port = await new Promise((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    plug = new VpcdPlug(powerOn, { port });
  });
  afterEach(async () => {
    await plug.pull();
    await new Promise((resolve) => server.close(resolve));
  });

  function powerOn() {
    card.push('on');
    return Promise.resolve({
      transmit: (apdu: Uint8Array) => {
        const hex = Buffer.from(apdu).toString('hex');
        card.push(hex);
        if (hex === '00240080') return Promise.reject(new CaError('cardRemoved', 'pulled'));
        return Promise.resolve(Buffer.concat([Buffer.alloc(300, 0xaa), Buffer.from('9000', 'hex')]));
      },
      close: () => {
        card.push('off');
        return Promise.resolve();
      },
    });
  }

  async function powered(): Promise<FakeReader> {
    const inserted = plug.insert();
    const reader = await nextReader();
    reader.send('01');
    expect(await reader.ask('04')).toBe(ATR.toString('hex'));
    await inserted;
    return reader;
  }

  it('answers the ATR, powers the card on, off and through a reset, and carries its commands', async () => {
    const reader = await powered();
    expect(await reader.ask('00a40400')).toBe(`${'aa'.repeat(300)}9000`);
    reader.send('02');
    expect(await reader.ask('04')).toBe('3b80800101');
    await reader.ask('00200080');
    reader.send('00');
    await reader.ask('04');
    expect(card).toEqual(['on', '00a40400', 'off', 'on', '00200080', 'off']);
    expect(await reader.ask('00200080')).toBe('6f00'); // without power
  });

  it('takes messages as the network cuts and joins them', async () => {
    const reader = await powered();
    const answers = [reader.ask('00cb3fff'), reader.ask('00200080')];
    await Promise.all(answers);
    const whole = message('00a40400');
    for (const octet of whole.subarray(0, -1)) reader.raw(Buffer.of(octet));
    reader.raw(whole.subarray(-1));
    await reader.ask('04');
    expect(card).toEqual(['on', '00cb3fff', '00200080', '00a40400']);
  });

  it('looks for the reader until there is one, and again when it went away', async () => {
    await new Promise((resolve) => server.close(resolve));
    const states: PlugState[] = [];
    const waiting = new Promise<void>((resolve) => {
      plug = new VpcdPlug(powerOn, {
        port,
        onState: (state) => {
          states.push(state);
          if (state === 'waiting') resolve();
        },
      });
    });
    const inserted = plug.insert();
    await waiting;
    server.listen(port, '127.0.0.1');
    const first = await nextReader();
    first.send('01');
    await first.ask('04');
    await inserted;
    first.hangUp();
    const second = await nextReader();
    second.send('01');
    await second.ask('04');
    expect(card).toEqual(['on', 'off', 'on']); // the power was off in between
    expect(states).toEqual(['waiting', 'connected', 'powered', 'connected', 'waiting', 'connected', 'powered']);
  });

  it('is out of the reader when it is pulled, and powered off', async () => {
    const reader = await powered();
    await plug.pull();
    await reader.closed;
    expect(card).toEqual(['on', 'off']);
    expect(plug.state).toBe('out');
    await powered(); // and in again
    expect(card).toEqual(['on', 'off', 'on']);
  });

  it('stays out when the card was taken out by a fault', async () => {
    const reader = await powered();
    reader.send('00240080');
    await reader.closed;
    await plug.pull();
    expect(card).toEqual(['on', '00240080', 'off']);
    expect(readers).toHaveLength(0);
  });
});
