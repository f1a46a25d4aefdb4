import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CaError } from '#libs/errors';
import { type CardConnection } from '#libs/piv';
import { VirtualCardStore } from '#libs/virtual-card';
import type { Reader, Readers } from './reader.js';

/** The card leaves the reader at this command, counted from 1: before it is sent, or when it is done, unanswered. */
export interface Fault {
  at: number;
  when: 'before' | 'after';
}

/** INS of VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER */
const WITH_SECRET = ['20', '24', '2c'];

/** A reader of virtual cards, with a hand that takes them out at any command. */
export class TestReader implements Reader {
  insertion = 0;
  fault: Fault | undefined;
  /** After the command of this number, counted from 1, was done: its answer waits for this. */
  late: { at: number; answer: () => Promise<void> } | undefined;
  /** INS of every command sent, in hex */
  sent: string[] = [];
  /** INS and P2 of those that carried a PIN or PUK: a wrong one costs a try */
  attempts: string[] = [];
  #cardNumber: string | undefined;

  constructor(
    readonly name: string,
    private readonly store: VirtualCardStore,
  ) {}

  insert(cardNumber: string | undefined): void {
    this.#cardNumber = cardNumber;
    this.insertion += 1;
  }

  holdsCard(): boolean {
    return this.#cardNumber !== undefined;
  }

  async connect(): Promise<CardConnection> {
    if (this.#cardNumber === undefined) throw new CaError('noCard', 'there is no card in the reader');
    const card = await this.store.open(this.#cardNumber);
    return {
      transmit: async (apdu) => {
        const ins = Buffer.from(apdu).toString('hex', 1, 2);
        this.sent.push(ins);
        if (WITH_SECRET.includes(ins) && apdu.length > 5) this.attempts.push(`${ins} ${apdu[3]!.toString(16)}`);
        const out = this.sent.length === this.fault?.at ? this.fault.when : undefined;
        const answer = out === 'before' ? undefined : await card.transmit(apdu);
        if (this.sent.length === this.late?.at) await this.late.answer();
        if (out === undefined) return answer!;
        this.insert(undefined);
        throw new CaError('cardRemoved', 'the card was taken out');
      },
      close: () => card.close(),
    };
  }
}

/** A machine with readers `A` and `B`, and a drawer of cards. */
export class TestReaders implements Readers {
  /** In memory where there is a place for it: a card syncs every write to its disk. */
  readonly dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kaika-readers-'));
  readonly store = new VirtualCardStore(this.dir);
  readonly a = new TestReader('A', this.store);
  readonly b = new TestReader('B', this.store);
  connected: readonly Reader[] = [this.a, this.b];

  list(): Promise<readonly Reader[]> {
    return Promise.resolve(this.connected);
  }

  /** A card as it is now, to begin again with: answers what puts it back. */
  keep(cardNumber: string): () => void {
    const file = join(this.dir, `${cardNumber}.card.json`);
    const contents = readFileSync(file);
    return () => writeFileSync(file, contents);
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
