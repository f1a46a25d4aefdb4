import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { ALGORITHMS, SW, tlv } from '#libs/piv';
import type { VirtualCard, VirtualCardStore } from '#libs/virtual-card';

const GENERATE = 0x47;
const GET_RESPONSE = 0xc0;

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
    /** Of an answer from the drawer: what did not go into its first part. */
    let rest: Buffer | undefined;
    const transmit = (apdu: Uint8Array) => {
      const [cla, ins = 0] = apdu;
      const exchange = async (): Promise<Buffer> => {
        if (ins === GET_RESPONSE && rest) {
          const answer = Buffer.concat([rest, Buffer.from('9000', 'hex')]);
          rest = undefined;
          return answer;
        }
        if (ins !== GENERATE || apdu[9] !== ALGORITHMS['rsa-2048']) return card.transmit(apdu);
        const whole = await fromDrawer(card, apdu);
        if (whole.length <= 258) return whole;
        rest = whole.subarray(255, -2);
        return Buffer.concat([whole.subarray(0, 255), Buffer.of(0x61, rest.length)]);
      };
      // Parts of a chain and of an answer are one command with the rest of it.
      if (cla === 0x10 || ins === GET_RESPONSE) return exchange();
      return fault.pass(`card: INS ${ins.toString(16)}`, exchange);
    };
    return replacing(card, { transmit });
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

/** The card makes a small key in the slot, if it may; the drawer's takes its place. */
async function fromDrawer(card: VirtualCard, apdu: Uint8Array): Promise<Buffer> {
  const small = Buffer.from(apdu);
  small[9] = ALGORITHMS['p-256'];
  const made = await card.transmit(small);
  if (made.readUInt16BE(made.length - 2) !== SW.OK) return made;
  const { privateKey, publicKey } = pair();
  const inside = card as unknown as { state: { keys: Record<string, unknown> }; save(): Promise<void> };
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  inside.state.keys[apdu[3]!.toString(16)] = { algorithm: ALGORITHMS['rsa-2048'], pkcs8 };
  await inside.save();
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const octets = (text: string) => Buffer.from(text, 'base64url');
  const answer = tlv(0x7f49, tlv(0x81, octets(n)), tlv(0x82, octets(e)));
  return Buffer.concat([answer, Buffer.from('9000', 'hex')]);
}
