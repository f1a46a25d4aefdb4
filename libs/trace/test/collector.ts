import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TakenSpan {
  /** `service.name` of its resource. */
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** 2: an error. */
  status: { code: number; message?: string };
}

interface Batch {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: Omit<TakenSpan, 'service'>[] }[];
  }[];
}

/** Stands in for an OTLP collector (HTTP, JSON): takes everything and keeps it. */
export class Collector {
  /** `<method> <path> <content type>` of each request. */
  readonly requests: string[] = [];
  /** Bodies, as they came. */
  readonly bodies: string[] = [];
  readonly #server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      this.requests.push(`${request.method} ${request.url} ${request.headers['content-type']}`);
      this.bodies.push(Buffer.concat(pieces).toString());
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });

  /** @returns what `OTEL_EXPORTER_OTLP_ENDPOINT` is then */
  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  spans(traceId?: string): TakenSpan[] {
    const all = this.bodies.flatMap((body) =>
      (JSON.parse(body) as Batch).resourceSpans.flatMap(({ resource, scopeSpans }) => {
        const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
        return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, service })));
      }),
    );
    return traceId === undefined ? all : all.filter((span) => span.traceId === traceId);
  }
}
