import { type AddressInfo, createServer, type Server } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, mustBeFree } from './ports.js';
import { choosePort, notePorts, portsOfEnvironment } from './stack-ports.js';

describe('ports', () => {
  let squatter: Server;
  let taken: number;
  beforeAll(async () => {
    squatter = createServer();
    await new Promise<void>((done) => squatter.listen(0, '127.0.0.1', done));
    taken = (squatter.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((done) => squatter.close(done)));

  it('are the preferred one when that is free, else one that connections to elsewhere are not lent', async () => {
    const free = await freePort();
    expect(await freePort(free)).toBe(free);
    for (const port of [await freePort(taken), await freePort(free, [free])]) {
      expect(port).toBeGreaterThanOrEqual(20_000);
      expect(port).toBeLessThan(32_000);
    }
  });

  it('are named when somebody has them', async () => {
    await expect(mustBeFree('redis', taken)).rejects.toThrow(`redis: port ${taken} of 127.0.0.1 is taken`);
  });

  it('stay the folder’s once they served, unless they are set', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'kaika-ports-'));
    const set = portsOfEnvironment({ KAIKA_STACK_REDIS_PORT: '0' });
    notePorts(dir, { redis: taken });
    expect(await choosePort(dir, 'redis', set)).toBe(taken); // taken or not: clients look for it there
    expect(await choosePort(dir, 'redis', portsOfEnvironment({ KAIKA_STACK_REDIS_PORT: '1234' }))).toBe(1234);
    expect(await choosePort(dir, 'kafka', { kafka: 0 })).not.toBe(9092);
    rmSync(dir, { recursive: true });
  });

  it.each(['x', '65536', '-1', '1e3'])('are refused by the name of the variable: %s', (value) => {
    expect(() => portsOfEnvironment({ KAIKA_STACK_POSTGRES_PORT: value })).toThrow(/^KAIKA_STACK_POSTGRES_PORT is not/);
  });
});
