import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  changeDigest,
  EMPTY_DIGEST,
  FIRST_PREV_HASH,
  newEvent,
  statusRowHash,
  type CardRow,
  type CutRow,
  type EventOf,
  type Listing,
  type SerialPair,
  type StatusRow,
} from '#libs/events';
import { newSerial } from '#libs/pki';

export interface Card {
  readonly cardNumber: string;
  readonly serials: SerialPair;
  readonly notAfter?: string;
}

type StatusEvent = EventOf<'certificate.suspended'>;
const EVENT_TYPES = { accepted: 'certificate.accepted', suspended: 'certificate.suspended', resumed: 'certificate.resumed', revoked: 'certificate.revoked', cut: 'status.cut' } as const; // prettier-ignore

export function newCard(notAfter?: string): Card {
  const cardNumber = `KK${(BigInt(`0x${randomBytes(8).toString('hex')}`) % 10n ** 14n).toString().padStart(14, '0')}`;
  return { cardNumber, serials: { signature: newSerial(), encryption: newSerial() }, ...(notAfter && { notAfter }) };
}

/** The owner of a status log, in memory behind HTTP. It can be away, late, or say something wrong. */
export class FakeOwner {
  readonly rows: StatusRow[] = [];
  unreachable = false;
  /** The log's clock, for markers that are written at its time. */
  now = (): Date => new Date('2026-01-10T04:00:00Z');
  /** What is answered for a cut, when it is not the truth. */
  lie: ((row: CutRow) => CutRow) | undefined;
  /** What a marker says of a list, when it is not what the rows below it say. */
  overstate: ((list: CutRow['lists'][number]) => CutRow['lists'][number]) | undefined;
  readonly #forgotten = new Set<number>();
  readonly #epoch = randomUUID();
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  constructor(private readonly issuerSki: string) {}

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  /** A change of a card, which is what the row says: `listed` null takes it off the list. */
  change(card: Card, listed: Listing | null, at = '2026-01-10T01:00:00.000Z'): CardRow {
    const kind = !listed ? 'resumed' : listed.reason === 'certificateHold' ? 'suspended' : 'revoked';
    return this.#append({
      at,
      kind,
      cardNumber: card.cardNumber,
      serials: card.serials,
      issuerSki: this.issuerSki,
      notAfter: card.notAfter ?? '2031-11-20T15:59:59Z',
      partition: null,
      holder: 'subscriber',
      acceptedAt: '2026-01-01T00:00:00.000Z',
      holds: listed?.reason === 'certificateHold' ? ['subscriber'] : [],
      listed,
    }) as CardRow;
  }

  suspend(card: Card, since = '2026-01-10T01:00:00Z'): CardRow {
    return this.change(card, { reason: 'certificateHold', since });
  }

  /** The marker of a cut, once. */
  cut(cut: Date): CutRow {
    const text = `${cut.toISOString().slice(0, 19)}Z`;
    const known = this.rows.find((row): row is CutRow => row.kind === 'cut' && row.cut === text);
    if (known) return known;
    return this.#marker(cut);
  }

  /** The marker of an emergency list, once for an id. */
  emergencyCut(id: string, at: Date): CutRow {
    const known = this.rows.find((row): row is CutRow => row.kind === 'cut' && row.emergency === id);
    return known ?? this.#marker(at, { emergency: id });
  }

  #marker(at: Date, about: { emergency?: string } = {}): CutRow {
    const entries = [...this.listBelow(this.rows.length + 1)];
    const digest = entries.reduce((sum, [serial, { reason }]) => changeDigest(sum, 1, serial, reason), EMPTY_DIGEST);
    const list = { issuerSki: this.issuerSki, count: entries.length, digest };
    const lists = [this.overstate ? this.overstate(list) : list];
    const cut = `${at.toISOString().slice(0, 19)}Z`;
    return this.#append({ at: at.toISOString(), kind: 'cut', cut, lists, ...about }) as CutRow;
  }

  /** Replays every row below `seq`: the truth every list is compared with. */
  listBelow(seq: number): Map<string, Listing> {
    const list = new Map<string, Listing>();
    for (const row of this.rows.filter(
      (r): r is CardRow => r.kind !== 'cut' && r.seq < seq && !this.#forgotten.has(r.seq),
    )) {
      for (const serial of [row.serials.signature, row.serials.encryption]) {
        if (row.listed) list.set(serial, row.listed);
        else list.delete(serial);
      }
    }
    return list;
  }

  /** Markers from now on say nothing of what this row did, though it stays in the log. */
  forget({ seq }: StatusRow): void {
    this.#forgotten.add(seq);
  }

  /** Markers from now on say everything again. */
  remember(): void {
    this.#forgotten.clear();
  }

  event(row: StatusRow): StatusEvent {
    const subject = row.kind === 'cut' ? this.issuerSki : row.cardNumber;
    return newEvent(EVENT_TYPES[row.kind], subject, row, {
      source: 'suspension',
      now: new Date(row.at),
    }) as StatusEvent;
  }

  #append(content: object): StatusRow {
    const head = { epoch: this.#epoch, seq: this.rows.length + 1, prevHash: this.rows.at(-1)?.hash ?? FIRST_PREV_HASH };
    const row = { ...head, ...content };
    this.rows.push({ ...row, hash: statusRowHash(row) } as StatusRow);
    return this.rows.at(-1)!;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.unreachable) return void request.socket.destroy();
    const url = new URL(request.url!, 'http://owner');
    const cut = /^\/api\/v1\/cuts\/(.+)$/.exec(url.pathname)?.[1];
    response.setHeader('content-type', 'application/json');
    const emergency = /^\/api\/v1\/cuts\/emergency\/(.+)$/.exec(url.pathname)?.[1];
    if (emergency) return void response.end(JSON.stringify(this.emergencyCut(emergency, this.now())));
    if (cut && request.method === 'PUT') {
      const row = this.cut(new Date(cut));
      return void response.end(JSON.stringify(this.lie ? this.lie(row) : row));
    }
    const after = Number(url.searchParams.get('after'));
    const limit = Number(url.searchParams.get('limit') ?? 500);
    const rows = this.rows.slice(after, after + limit);
    response.end(JSON.stringify({ epoch: this.#epoch, rows }));
  }
}
