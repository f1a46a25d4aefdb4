import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below Linux' range for outgoing connections (32768–60999): a port noted for the next start is not lent out by then. */
const FROM = 20_000;
const TO = 32_000;

/** Whether nobody listens on 127.0.0.1:`port`. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listens = await new Promise<boolean>((done) =>
    server.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true)),
  );
  if (listens) await new Promise((done) => server.close(done));
  return listens;
}

/** A port of 127.0.0.1 on which nobody listens; `preferred` when that is free; never one of `taken`. */
export async function freePort(preferred?: number, taken: readonly number[] = []): Promise<number> {
  if (preferred && !taken.includes(preferred) && (await isFree(preferred))) return preferred;
  for (let i = 0; i < 1000; i++) {
    const port = randomInt(FROM, TO);
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port between ${FROM} and ${TO}`);
}

/** @throws Error naming the port, when somebody listens on it */
export async function mustBeFree(part: string, port: number): Promise<void> {
  if (!(await isFree(port))) {
    throw new Error(`${part}: port ${port} of 127.0.0.1 is taken by another program: end it or choose another port`);
  }
}
