import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { sleep } from '#libs/clock';
import { type Program, Supervised } from './supervised.js';

describe('a supervised program', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-supervised-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  let n = 0;

  const eventually = async (check: () => boolean) => {
    for (const until = performance.now() + 20_000; !check(); await sleep(20)) {
      if (performance.now() > until) throw new Error('it did not come to that');
    }
  };
  const isAlive = (pid: number) => {
    try {
      process.kill(pid, 0);
      return !/^State:\s+Z/m.test(existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : '');
    } catch {
      return false;
    }
  };
  /** Writes a file when it is ready, and then waits. */
  const program = (script = ''): Program & { file: string } => {
    const file = join(dir, `ready-${(n += 1)}`);
    const code = `${script};console.log('here');require('node:fs').writeFileSync(${JSON.stringify(file)}, String(process.pid));setInterval(() => {}, 1000)`; // prettier-ignore
    const ready = async () => existsSync(file);
    return {
      file,
      name: 'one',
      command: process.execPath,
      args: ['-e', code],
      env: { PATH: process.env['PATH'] },
      ready,
    };
  };

  it('is started, told of, and started again when it is killed', async () => {
    const lines: string[] = [];
    const pids: (number | undefined)[] = [];
    const one = program();
    const supervised = new Supervised(one, (line) => lines.push(line), () => pids.push(supervised.pid)); // prettier-ignore
    await supervised.start();
    const first = supervised.pid!;
    process.kill(first, 'SIGKILL');
    await eventually(() => supervised.pid !== first && readFileSync(one.file, 'utf8') === String(supervised.pid));
    expect(supervised.restarts).toBe(1);
    expect(lines).toEqual(['one           here', 'one ended (SIGKILL); started again in 0.5 s', 'one           here']);
    expect(pids).toEqual([first, supervised.pid]);
    const last = supervised.pid!;
    await supervised.stop();
    expect(isAlive(last)).toBe(false);
    expect(supervised.restarts).toBe(1);
  }, 60_000);

  it('that ends at its first start is told with its last lines', async () => {
    const supervised = new Supervised(program(`console.error('KAIKA_X: is not set');process.exit(1)`), () => {});
    await expect(supervised.start()).rejects.toThrow('one did not start:\nKAIKA_X: is not set');
    await supervised.stop();
  }, 60_000);

  it('that cannot be found is told', async () => {
    const supervised = new Supervised({ ...program(), command: join(dir, 'nothing') }, () => {});
    await expect(supervised.start()).rejects.toThrow(/one did not start/);
    await supervised.stop();
  }, 60_000);

  it('dies with its starter, however that ends', async () => {
    const one = program();
    const starter = join(dir, 'starter.mjs');
    const module = join(process.cwd(), 'dist/deploy/distributed/supervised.js');
    const args = JSON.stringify({ ...one, ready: undefined });
    writeFileSync(
      starter,
      `import { Supervised } from ${JSON.stringify(module)}; import { existsSync } from 'node:fs';
       const one = ${args}; await new Supervised({ ...one, ready: async () => existsSync(one.file) }, () => {}).start();`,
    );
    const parent = spawn(process.execPath, [starter], { stdio: 'ignore' });
    await eventually(() => existsSync(one.file));
    const pid = Number(readFileSync(one.file, 'utf8'));
    parent.kill('SIGKILL');
    await eventually(() => !isAlive(pid));
  }, 60_000);
});
