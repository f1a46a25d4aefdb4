import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { sleep } from '#libs/clock';
import { ask, type Answer } from '../demo/http.js';

const DIST = join(import.meta.dirname.replace(/([\\/]dist)?[\\/]test[\\/]card$/, ''), 'dist');
const PATIENCE_MS = 30_000;

/** The person at the counter: what they type into the agent's own page. */
export type Typed = Partial<Record<'oldPin' | 'newPin' | 'confirmPin', string>>;

/** A card agent as a process of its own, at the readers of a pcscd, and a page of ours that it lets in. */
export class Kiosk {
  #token = '';
  #output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly origin: string,
  ) {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    }
  }

  /** @param env  of the agent: origins, keys, the pcscd's socket */
  static async start(env: NodeJS.ProcessEnv, origin: string): Promise<Kiosk> {
    const main = join(DIST, 'services/card-agent/src/main.js');
    const child = spawn(process.execPath, ['--enable-source-maps', main], {
      env: { ...env, KAIKA_AGENT_PORT: '0', KAIKA_AGENT_ORIGINS: origin, KAIKA_LOG_LEVEL: 'trace' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const kiosk = new Kiosk(child, origin);
    for (const until = performance.now() + PATIENCE_MS; !kiosk.#port; await sleep(50)) {
      if (child.exitCode !== null || performance.now() > until) throw new Error(`the agent ended:\n${kiosk.#output}`);
    }
    return kiosk;
  }

  /** All it has printed. */
  get output(): string {
    return this.#output;
  }

  get #port(): string | undefined {
    return /"port":(\d+)[^\n]*listens on loopback/.exec(this.#output)?.[1];
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What a page of ours asks of it. */
  call(method: string, path: string, json?: unknown): Promise<Answer> {
    const headers = {
      origin: this.origin,
      'x-kaika-agent': '1',
      ...(this.#token && { authorization: `Bearer ${this.#token}` }),
    };
    return ask(method, `${this.#url}${path}`, { headers, ...(json !== undefined && { json }) });
  }

  /** The person reads the code on the agent's page and types it into ours. */
  async pair(): Promise<void> {
    const { body } = await this.call('POST', '/v1/pairings', {});
    const page = (await ask('GET', String(body['url']))).bytes.toString();
    const code = /class="code">(\d{6})</.exec(page)?.[1];
    const paired = await this.call('POST', `/v1/pairings/${String(body['id'])}/token`, { code });
    this.#token = String(paired.body['token']);
  }

  /** Types into the page that `opened` told of. @returns what our page is told of it afterwards */
  async type({ body }: Answer, typed: Typed): Promise<Record<string, unknown>> {
    await ask('POST', String(body['url']), { form: typed, headers: { origin: this.#url } });
    return (await this.call('GET', `/v1/pin-sessions/${String(body['id'])}`)).body;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill('SIGTERM');
    await ended;
  }
}
