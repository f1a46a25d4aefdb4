import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#libs/clock';
import { createLogger, createService, type RunningService } from '#libs/host';
import { portal } from './index.js';
import { readPortalConfig } from './portal.config.js';

const AGENT = 'kaika-card-agent-0.1.0+linux-x64.tar.gz';
const sha256 = (body: Uint8Array) => createHash('sha256').update(body).digest('hex');

describe('下載專區', () => {
  const running: RunningService[] = [];
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'kaika-downloads-'));
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((service) => service.close()));
    rmSync(dir, { recursive: true, force: true });
  });

  async function start(env: NodeJS.ProcessEnv): Promise<string> {
    const service = await createService('portal', await portal.module(env), {
      log: createLogger('silent'),
      clock: systemClock(),
      tokens: { issuer: 'x', jwksFile: 'none' },
    });
    running.push(service);
    await service.app.listen(0, '127.0.0.1');
    return `http://127.0.0.1:${(service.app.getHttpServer().address() as AddressInfo).port}`;
  }
  const listAt = async (base: string) => (await (await fetch(`${base}/api/v1/downloads`)).json()) as { items: unknown };

  it('gives each file of the folder with the digest that whoever fetched it finds', async () => {
    const body = randomBytes(300_000);
    writeFileSync(join(dir, AGENT), body);
    const base = await start({ KAIKA_AGENT_DOWNLOADS: dir });
    expect(await listAt(base)).toEqual({ items: [{ name: AGENT, bytes: body.length, sha256: sha256(body) }] });
    const fetched = await fetch(`${base}/downloads/${encodeURIComponent(AGENT)}`);
    expect(sha256(Buffer.from(await fetched.arrayBuffer()))).toBe(sha256(body));
    expect(fetched.headers.get('content-disposition')).toBe(`attachment; filename="${AGENT}"`);
    expect(fetched.headers.get('content-type')).toBe('application/octet-stream');
    expect(fetched.headers.get('x-content-type-options')).toBe('nosniff');

    const next = Buffer.from('the next version');
    writeFileSync(join(dir, AGENT), next);
    expect(await listAt(base)).toMatchObject({ items: [{ bytes: next.length, sha256: sha256(next) }] });
    expect(JSON.stringify(await (await fetch(`${base}/api/v1/site`)).json())).not.toContain(dir);
  });

  it('gives nothing else: no hidden file, no other folder, nothing that a link leads to', async () => {
    const outside = `${dir}-outside`;
    writeFileSync(outside, 'secret');
    try {
      mkdirSync(join(dir, 'more'));
      symlinkSync(outside, join(dir, 'link'));
      for (const name of ['.hidden', 'two words', 'more/inside']) writeFileSync(join(dir, name), 'secret');
      const base = await start({ KAIKA_AGENT_DOWNLOADS: dir });
      expect(await listAt(base)).toEqual({ items: [] });
      const upwards = `..%2f${encodeURIComponent(outside.slice(outside.lastIndexOf('/') + 1))}`;
      for (const name of ['.hidden', 'two%20words', 'more', 'more%2finside', 'link', upwards, '%00', 'none']) {
        const { status } = await fetch(`${base}/downloads/${name}`);
        expect({ name, status }).toEqual({ name, status: name === '%00' ? 400 : 404 });
      }
    } finally {
      rmSync(outside);
    }
  });

  it('is empty where no folder is set, and a setting that is none is named', async () => {
    const base = await start({});
    expect(await listAt(base)).toEqual({ items: [] });
    expect((await fetch(`${base}/downloads/${AGENT}`)).status).toBe(404);
    for (const wrong of [join(dir, 'none'), import.meta.filename]) {
      expect(() => readPortalConfig({ KAIKA_AGENT_DOWNLOADS: wrong })).toThrow(
        'KAIKA_AGENT_DOWNLOADS: is not a folder that is there',
      );
    }
  });
});
