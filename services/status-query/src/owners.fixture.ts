import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { type Clock, toWholeSeconds } from '#libs/clock';
import {
  type CardRow,
  type EventData,
  FIRST_PREV_HASH,
  type KaikaEvent,
  newEvent,
  type StatusRow,
  statusRowHash,
} from '#libs/events';
import { buildDelegateTbs, checkDelegateRequest } from '#libs/ocsp';
import { type Authority, newSerial, signTbs } from '#libs/pki';

export const MEANT = { source: 'test', now: new Date('2026-11-21T02:00:00Z') };
export type Issued = EventData<'certificate.issued'>;

const TYPES = {
  accepted: 'certificate.accepted',
  suspended: 'certificate.suspended',
  resumed: 'certificate.resumed',
  revoked: 'certificate.revoked',
  cut: 'status.cut',
} as const;

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Stands for `suspension`: the log, and where it is asked for. */
export class FakeOwner {
  readonly epoch = randomUUID();
  readonly log: StatusRow[] = [];
  /** Gives its rows to those who ask. Off, it answers that it has none. */
  answers = false;
  readonly #server: Server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://x');
    const isAllowed = request.headers.authorization?.startsWith('Bearer ') && url.pathname === '/api/v1/status-log';
    const [after, limit] = ['after', 'limit'].map((name) => Number(url.searchParams.get(name)));
    const rows = this.answers ? this.log.filter(({ seq }) => seq > after!).slice(0, limit) : [];
    response.writeHead(isAllowed ? 200 : 403, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ epoch: this.epoch, rows }));
  });

  /** Writes the next row, as the owner would, and its event. */
  write(content: Partial<CardRow> | { kind: 'cut'; cut: string; lists: [] }): KaikaEvent {
    const last = this.log.at(-1);
    const row = {
      ...{ epoch: this.epoch, seq: this.log.length + 1, prevHash: last?.hash ?? FIRST_PREV_HASH, hash: '' },
      at: new Date(MEANT.now.getTime() + this.log.length).toISOString(),
      ...content,
    } as StatusRow;
    row.hash = statusRowHash(row);
    this.log.push(row);
    const key = row.kind === 'cut' ? 'cut' : row.cardNumber;
    return newEvent(TYPES[row.kind], key, row, MEANT) as KaikaEvent;
  }

  /** What it sends each second. */
  watermark(time: Date, seq = this.log.length, epoch: string = this.epoch): KaikaEvent {
    return newEvent('status.watermark', 'log', { epoch, seq, time: time.toISOString() }, MEANT);
  }

  listen(): Promise<string> {
    return listen(this.#server);
  }

  close(): Promise<void> {
    return close(this.#server);
  }
}

/** Stands for `issuance`: certifies delegates, tells what it issued. Off, it refuses. */
export class FakeIssuance {
  answers = true;
  /** What it says it has issued, in pages of two. */
  cards: Issued[] = [];
  /** Done before each page of them is sent. */
  beforePage: () => Promise<void> = async () => {};
  /** Certificate requests it was sent. */
  asked = 0;
  authority!: Authority;
  readonly #server: Server = createServer((request, response) => {
    void this.#answer(request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  });

  constructor(private readonly clock: Clock) {}

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const { pathname, searchParams } = new URL(request.url!, 'http://x');
    if (!request.headers.authorization?.startsWith('Bearer ')) return { status: 401, body: {} };
    const asked = `${request.method} ${pathname}`;
    if (asked === 'GET /api/v1/issued-certificates') return this.#page(searchParams.get('after') ?? '');
    if (asked !== 'POST /api/v1/ocsp-delegates') return { status: 404, body: {} };
    this.asked++;
    const { csr } = (await json(request)) as { csr: string };
    if (!this.answers) return { status: 503, body: {} };
    return { status: 201, body: { certificate: await this.#certify(Buffer.from(csr, 'base64')) } };
  }

  async #page(after: string): Promise<{ status: number; body: unknown }> {
    const above = this.cards
      .filter(({ cardNumber }) => cardNumber > after)
      .sort((a, b) => (a.cardNumber < b.cardNumber ? -1 : 1));
    const items = above.slice(0, 2);
    await this.beforePage();
    if (!this.answers) return { status: 503, body: {} };
    return { status: 200, body: { items, next: above.length > 2 ? items.at(-1)!.cardNumber : null } };
  }

  async #certify(request: Buffer): Promise<string> {
    const issuer = this.authority.issuing;
    const tbs = buildDelegateTbs({
      serial: newSerial(),
      issuer,
      subject: { C: 'TW', O: 'kaika', CN: `OCSP ${this.asked}` },
      publicKey: checkDelegateRequest(request),
      notBefore: toWholeSeconds(this.clock.now()),
    });
    return (await signTbs(tbs, await issuer.signer())).toString('base64');
  }

  listen(): Promise<string> {
    return listen(this.#server);
  }

  close(): Promise<void> {
    return close(this.#server);
  }
}
