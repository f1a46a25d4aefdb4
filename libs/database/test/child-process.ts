import { transformFileSync } from '@swc/core';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = resolve(process.cwd());

/** The libraries as plain JavaScript in a temporary folder: what is killed with `kill -9` must be a process of its own. */
export class ChildProcesses {
  readonly #folder = mkdtempSync(join(tmpdir(), 'kaika-child-'));
  readonly #children: ChildProcess[] = [];

  /** @param libs names of libraries, each with the test helpers beside it */
  constructor(libs: string[]) {
    for (const lib of libs) this.#compile(join(ROOT, 'libs', lib));
    const manifest = { type: 'module', imports: { '#libs/*': './libs/*/src/index.js' } };
    writeFileSync(join(this.#folder, 'package.json'), JSON.stringify(manifest));
    symlinkSync(join(ROOT, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  /** Runs `libs/<file>.ts` and resolves with the first line it prints. */
  async start(file: string, argument: unknown): Promise<{ child: ChildProcess; line: string }> {
    const args = ['--enable-source-maps', join(this.#folder, 'libs', `${file}.js`), JSON.stringify(argument)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    let complaints = '';
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    const line = await new Promise<string>((done, fail) => {
      createInterface({ input: child.stdout }).once('line', done);
      child.once('exit', (code, signal) => fail(new Error(`${file} ended (${code ?? signal}):\n${complaints}`)));
    });
    return { child, line };
  }

  /** `kill -9`, and the wait for the process to be gone. */
  async kill(child: ChildProcess): Promise<void> {
    const gone = new Promise((done) => child.once('close', done));
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    const running = this.#children.filter((child) => child.exitCode === null && child.signalCode === null);
    await Promise.all(running.map((child) => this.kill(child)));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #compile(folder: string): void {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) this.#compile(path);
      else if (entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts')) this.#emit(path);
    }
  }

  #emit(file: string): void {
    const target = join(this.#folder, relative(ROOT, file)).replace(/\.ts$/, '.js');
    mkdirSync(dirname(target), { recursive: true });
    const { code } = transformFileSync(file, {
      jsc: {
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        target: 'es2022',
      },
      module: { type: 'es6' },
      sourceMaps: 'inline',
    });
    writeFileSync(target, code);
  }
}
