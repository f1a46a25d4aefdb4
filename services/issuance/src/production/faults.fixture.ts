import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { ALGORITHMS, tlv } from '#libs/piv';
import type { VirtualCard, VirtualCardStore } from '#libs/virtual-card';

/** Counts everything that can break, and breaks one of it: before it happens, or after, when its answer is lost. */
export class Fault {
  /** What was reached, in order. */
  readonly points: string[] = [];

  constructor(
    private readonly at = Infinity,
    private readonly mode: 'before' | 'after' = 'before',
  ) {}

  async pass<T>(name: string, work: () => Promise<T>): Promise<T> {
    const here = this.points.push(name) - 1 === this.at;
    if (here && this.mode === 'before') throw new Error(`broken before ${name}`);
    const result = await work();
    if (here) throw new Error(`broken after ${name}`);
    return result;
  }
}

/** A data source whose statements and commits can break. */
export function breakableSource(source: DataSource, fault: Fault): DataSource {
  const query = (target: DataSource | EntityManager) => (sql: string, parameters?: unknown[]) =>
    fault.pass(`sql: ${sql.trim().split('\n')[0]!.slice(0, 60)}`, () => target.query(sql, parameters));
  const transaction = (work: (tx: EntityManager) => Promise<unknown>) =>
    fault.pass('transaction', () => source.transaction((tx) => work(replacing(tx, { query: query(tx) }))));
  return replacing(source, { query: query(source), transaction });
}

/** Cards whose commands can break, and whose RSA keys come from a drawer, as making each takes half a second. */
export function breakableCards(store: VirtualCardStore, fault: Fault): VirtualCardStore {
  const open = async (cardNumber: string) => {
    const card = await store.open(cardNumber);
    let rest: Buffer = Buffer.alloc(0);
    const transmit = (apdu: Uint8Array) => {
      const [cla, ins = 0] = apdu;
      const exchange = () => {
        const held = ins === 0xc0 ? rest : Buffer.alloc(0);
        rest = Buffer.alloc(0);
        if (held.length > 0) return Promise.resolve(Buffer.concat([held, Buffer.from('9000', 'hex')]));
        return inParts(fromDrawer(card, apdu)) ?? card.transmit(apdu);
      };
      const inParts = (answer?: Promise<Buffer>) =>
        answer?.then((whole) => {
          rest = whole.subarray(255);
          return Buffer.concat([whole.subarray(0, 255), Buffer.of(0x61, rest.length)]);
        });
      // Parts of a chain and of an answer are one command with the rest of it.
      if (cla === 0x10 || ins === 0xc0) return exchange();
      return fault.pass(`card: INS ${ins.toString(16)}`, exchange);
    };
    return replacing(card, { transmit, seal: () => fault.pass('card: seal', () => card.seal()) });
  };
  return replacing(store, { open });
}

function replacing<T extends object>(target: T, members: Record<string, unknown>): T {
  return new Proxy(target, {
    get(_, name) {
      if (typeof name === 'string' && Object.hasOwn(members, name)) return members[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const drawer: { privateKey: KeyObject; publicKey: KeyObject }[] = [];
let taken = 0;

/** Six pairs, one after the other: two neighbours always differ. */
function pair() {
  const i = taken++ % 6;
  return (drawer[i] ??= generateKeyPairSync('rsa', { modulusLength: 2048 }));
}

function fromDrawer(card: VirtualCard, apdu: Uint8Array): Promise<Buffer> | undefined {
  if (apdu[1] !== 0x47 || apdu[9] !== ALGORITHMS['rsa-2048']) return undefined;
  const { privateKey, publicKey } = pair();
  const inside = card as unknown as {
    state: { sealed: boolean; keys: Record<string, unknown> };
    save(): Promise<void>;
  };
  if (inside.state.sealed) return undefined;
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  inside.state.keys[apdu[3]!.toString(16)] = { algorithm: ALGORITHMS['rsa-2048'], pkcs8 };
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const octets = (text: string) => Buffer.from(text, 'base64url');
  const answer = tlv(0x7f49, tlv(0x81, octets(n)), tlv(0x82, octets(e)));
  return inside.save().then(() => answer);
}
