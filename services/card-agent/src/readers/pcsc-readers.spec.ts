import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { systemClock } from '#libs/clock';
import { PivCard } from '#libs/piv';
import { CardGates } from './card-gates.js';
import type { PcscBinding, PcscCard } from './pcsc-binding.js';
import { PcscReaders } from './pcsc-readers.js';

const failure = (code: string) => Object.assign(new Error(code), { code });
const SELECTED = Buffer.from('610450027069' + '9000', 'hex');
const BLOCKED = Buffer.from('6983', 'hex');

/** A machine's PC/SC as pcsc-mini shows it: readers by name, and a service that can be stopped. */
class FakePcsc {
  running = true;
  starts = 0;
  /** What was done, in order */
  done: string[] = [];
  answer: (apdu: Uint8Array) => Promise<Uint8Array> = (apdu) => Promise.resolve(apdu[1] === 0xa4 ? SELECTED : BLOCKED);
  connectFails?: Error;
  protocol = 2;
  readonly #clients = new Set<EventEmitter>();
  readonly #handles = new Map<string, EventEmitter>();
  names: string[] = [];

  readonly load = (): Promise<PcscBinding> => Promise.resolve({ Client: this.clientClass() });

  plugIn(name: string): void {
    this.names.push(name);
    for (const client of this.#clients) client.emit('reader', this.handle(name));
  }

  unplug(name: string): void {
    this.names = this.names.filter((known) => known !== name);
    this.#handles.get(name)?.emit('disconnect');
  }

  /** 0x10 empty, 0x20 present */
  change(name: string, present: boolean): void {
    const raw = present ? 0x20 : 0x10;
    this.#handles.get(name)?.emit('change', { hasAny: (flag: number) => (raw & flag) !== 0 });
  }

  die(): void {
    this.running = false;
    for (const client of this.#clients) client.emit('error', failure('CommError'));
    this.#clients.clear();
  }

  private handle(name: string) {
    const connect = (): Promise<PcscCard> => {
      this.done.push('connect');
      if (this.connectFails) return Promise.reject(this.connectFails);
      let busy = false;
      return Promise.resolve({
        protocol: () => this.protocol,
        transmit: async (apdu) => {
          busy = true;
          this.done.push(Buffer.from(apdu).toString('hex'));
          return this.answer(apdu).finally(() => (busy = false));
        },
        reconnect: (_mode, disposition) => {
          this.done.push(`reconnect ${disposition}`);
          return Promise.resolve(2);
        },
        disconnect: (disposition) => {
          if (busy) throw failure('CardIsBusy');
          this.done.push(`disconnect ${disposition}`);
          return Promise.resolve();
        },
      });
    };
    const handle = Object.assign(new EventEmitter(), { name: () => name, connect });
    this.#handles.set(name, handle);
    return handle;
  }

  private clientClass(): PcscBinding['Client'] {
    const start = (client: EventEmitter) => {
      this.starts += 1;
      if (!this.running) throw failure('NoService');
      this.#clients.add(client);
      for (const name of this.names) setImmediate(() => client.emit('reader', this.handle(name)));
    };
    return class extends EventEmitter {
      start() {
        start(this);
      }
    } as unknown as PcscBinding['Client'];
  }
}

const log = pino({ level: 'silent' });
const MISSING = { code: 'noReader', params: { state: 'pcsc-missing' } };

describe('PcscReaders', () => {
  const readersOf = (pcsc: FakePcsc) => new PcscReaders(log, { load: pcsc.load, connectMs: 50, deafMs: 0 });
  const namesOf = async (readers: PcscReaders) => (await readers.list()).map(({ name }) => name);

  it('says that PC/SC is missing: no package, no system library, no service', async () => {
    const without = new PcscReaders(log, { load: () => Promise.reject(new Error('libpcsclite.so.1: cannot open')) });
    await expect(without.list()).rejects.toMatchObject(MISSING);
    const pcsc = new FakePcsc();
    pcsc.running = false;
    await expect(readersOf(pcsc).list()).rejects.toMatchObject(MISSING);
  });

  it('finds a service that starts later, dies and comes back, and its readers as they come and go', async () => {
    const pcsc = new FakePcsc();
    pcsc.names = ['One', 'Two'];
    pcsc.running = false;
    const readers = readersOf(pcsc);
    await expect(readers.list()).rejects.toMatchObject(MISSING);
    pcsc.running = true;
    expect(await namesOf(readers)).toEqual(['One', 'Two']);
    pcsc.unplug('One');
    expect(await namesOf(readers)).toEqual(['Two']);
    pcsc.plugIn('One');
    expect(await namesOf(readers)).toEqual(['Two', 'One']);
    pcsc.die();
    await expect(readers.list()).rejects.toMatchObject(MISSING);
    pcsc.running = true;
    expect(await namesOf(readers)).toEqual(['Two', 'One']);
    const starts = pcsc.starts;
    await Promise.all([readers.list(), readers.list()]);
    expect(pcsc.starts).toBe(starts);
    readers.close();
  });

  it('knows where a card is, and that it is another stay of it', async () => {
    const pcsc = new FakePcsc();
    pcsc.names = ['One'];
    const [reader] = await readersOf(pcsc).list();
    pcsc.connectFails = failure('NoSmartCard');
    expect(await reader!.holdsCard()).toBe(false);
    pcsc.connectFails = undefined;
    pcsc.change('One', true);
    expect(await reader!.holdsCard()).toBe(true);
    const before = reader!.insertion;
    pcsc.change('One', false);
    pcsc.change('One', true);
    expect(reader!.insertion).not.toBe(before);
  });

  it('notices that nobody brings the service’s word any more, and asks anew', async () => {
    const pcsc = new FakePcsc();
    pcsc.names = ['One'];
    const readers = readersOf(pcsc);
    const [deaf] = await readers.list(); // its card was never told of
    expect(await deaf!.holdsCard()).toBe(true);
    const [anew] = await readers.list();
    expect(anew).not.toBe(deaf);
    expect(pcsc.starts).toBe(2);

    pcsc.change('One', true);
    pcsc.connectFails = failure('NoSmartCard'); // it was taken out since
    await expect(anew!.connect()).rejects.toMatchObject({ code: 'noCard' });
    await readers.list();
    expect(pcsc.starts).toBe(3);

    const patient = new PcscReaders(log, { load: pcsc.load, deafMs: 60_000 });
    pcsc.connectFails = undefined;
    const [late] = await patient.list(); // its word may be on the way
    expect(await late!.holdsCard()).toBe(true);
    expect((await patient.list())[0]).toBe(late);
  });

  it('begins a session with a reset and ends it with one, whatever happens in between', async () => {
    const pcsc = new FakePcsc();
    pcsc.names = ['One'];
    const gates = new CardGates(readersOf(pcsc), systemClock());
    pcsc.connectFails = failure('NoSmartCard');
    await gates.look();
    pcsc.connectFails = undefined;
    pcsc.change('One', true);
    expect(await gates.look()).toEqual([{ name: 'One', state: 'locked' }]);
    pcsc.done = pcsc.done.slice(pcsc.done.lastIndexOf('connect'));
    expect([pcsc.done[0], pcsc.done[1], pcsc.done.at(-1)]).toEqual(['connect', 'reconnect 1', 'disconnect 1']);

    pcsc.done = [];
    pcsc.answer = () => Promise.reject(failure('RemovedCard'));
    const pulled = gates.use({ permission: 'look' }, (card) => card.pinTries());
    await expect(pulled).rejects.toMatchObject({ code: 'cardRemoved' });
    expect(pcsc.done.at(-1)).toBe('disconnect 1');
    pcsc.answer = () => Promise.resolve(new Uint8Array()); // as vsmartcard's driver tells a card that was pulled
    const silent = gates.use({ permission: 'look' }, (card) => card.pinTries());
    await expect(silent).rejects.toMatchObject({ code: 'cardRemoved' });
  });

  it('gives up a command that hangs, and resets the card when it ends at last', async () => {
    const pcsc = new FakePcsc();
    pcsc.names = ['One'];
    const [reader] = await readersOf(pcsc).list();
    let end: (answer: Uint8Array) => void = () => undefined;
    pcsc.answer = () => new Promise((resolve) => (end = resolve));
    const connection = await reader!.connect();
    await expect(PivCard.select(connection, 20)).rejects.toMatchObject({ code: 'cardCommunication' });
    await connection.close(); // does not wait
    expect(pcsc.done.at(-1)).not.toContain('disconnect');
    end(SELECTED);
    await new Promise(setImmediate);
    expect(pcsc.done.at(-1)).toBe('disconnect 1');
  });

  it('gives up a reader that does not power a card on', async () => {
    const pcsc = new FakePcsc();
    pcsc.names = ['One'];
    const hanging: PcscBinding = await pcsc.load();
    const readers = new PcscReaders(log, { load: () => Promise.resolve(hanging), connectMs: 20 });
    const [reader] = await readers.list();
    pcsc.connectFails = undefined;
    Object.assign(reader!, { handle: { connect: () => new Promise(() => undefined) } });
    await expect(reader!.connect()).rejects.toMatchObject({ code: 'cardCommunication' });
  });

  it('sends no Le behind data to a T=0 card', async () => {
    const pcsc = new FakePcsc();
    pcsc.names = ['One'];
    pcsc.protocol = 1;
    const [reader] = await readersOf(pcsc).list();
    const connection = await reader!.connect();
    await connection.transmit(Buffer.from('00a4040002aabb00', 'hex'));
    await connection.transmit(Buffer.from('00c0000010', 'hex'));
    await connection.transmit(Buffer.from('0020008008' + '3132333435363738', 'hex'));
    expect(pcsc.done.slice(2)).toEqual(['00a4040002aabb', '00c0000010', '00200080083132333435363738']);
  });

  it.each([
    ['NoService', 'noReader'],
    ['UnknownReader', 'noReader'],
    ['ReaderUnavailable', 'noReader'],
    ['NoSmartCard', 'noCard'],
    ['SharingViolation', 'readerBusy'],
    ['UnresponsiveCard', 'unknownCardKind'],
    ['ProtoMismatch', 'unknownCardKind'],
    ['', 'cardCommunication'],
  ])('calls a connect that fails with %j %s', async (code, named) => {
    const pcsc = new FakePcsc();
    pcsc.names = ['One'];
    const [reader] = await readersOf(pcsc).list();
    pcsc.connectFails = failure(code);
    await expect(reader!.connect()).rejects.toMatchObject({ name: 'CaError', code: named });
  });
});
