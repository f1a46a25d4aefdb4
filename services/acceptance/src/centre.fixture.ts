import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CaError, type ErrorCode, toProblem } from '#libs/errors';

/** Stands for `suspension`: accepts what it is told to know, and can be told to fail around its commit. */
export class FakeCentre {
  readonly accepted = new Map<string, { activation: string; acceptedAt: string }>();
  /** By card number. */
  readonly refuse = new Map<string, ErrorCode>();
  /** Answers without a decision. */
  answer: { status: number; body: unknown } | undefined;
  /** Where the connection breaks. */
  broken: 'before' | 'after' | undefined;
  /** Runs between its commit and its answer. */
  beforeAnswer: (() => Promise<void>) | undefined;
  calls = 0;
  readonly #server: Server = createServer((request, response) => void this.serve(request, response));

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.calls += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.broken === 'before') return void request.socket.destroy();
    const cardNumber = /^\/api\/v1\/cards\/([A-Z0-9]{16})\/acceptance$/.exec(request.url ?? '')?.[1];
    const { activation } = JSON.parse(Buffer.concat(chunks).toString()) as { activation: string };
    const refusal = this.refuse.get(cardNumber!);
    if (!/^Bearer .+/.test(request.headers.authorization ?? '') || request.method !== 'PUT') {
      return send(response, 401, toProblem(new CaError('unauthorized', '')));
    }
    if (refusal) {
      const problem = toProblem(new CaError(refusal, 'as told', { holds: ['ca'] }));
      return send(response, problem.status, problem);
    }
    if (!this.accepted.has(cardNumber!)) {
      this.accepted.set(cardNumber!, { activation, acceptedAt: '2026-11-21T02:00:00.000Z' });
    }
    await this.beforeAnswer?.();
    if (this.broken === 'after') return void request.socket.destroy();
    if (this.answer) return send(response, this.answer.status, this.answer.body);
    send(response, 200, { status: 'valid', acceptedAt: this.accepted.get(cardNumber!)!.acceptedAt });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
