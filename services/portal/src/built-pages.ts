import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CaError } from '#libs/errors';
import { packageRoot } from './package-root.js';

type Encoding = 'br' | 'gzip';
export interface BuiltFile {
  body: Buffer;
  type: string;
  /** Of `body`; undefined: as it is */
  encoding?: Encoding;
}

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  md: 'text/markdown; charset=utf-8',
};
const SUFFIXES: Record<Encoding, string> = { br: '.br', gzip: '.gz' };

/** What `npm run build` made of `services/portal/web`, with its compressed twins, read once each. */
export class BuiltPages {
  readonly #dir = join(packageRoot(), 'dist/services/portal/pages');
  readonly #read = new Map<string, Buffer>();
  #assets: Set<string> | undefined;

  /** @throws CaError serviceUnavailable when the pages were never built */
  page(entry: 'index.html' | 'console.html', accepts: string | undefined): BuiltFile {
    if (!existsSync(join(this.#dir, entry))) throw new CaError('serviceUnavailable', 'the pages are not built');
    return this.file(entry, accepts);
  }

  /** @throws CaError notFound for a name that the build did not make */
  asset(name: string, accepts: string | undefined): BuiltFile {
    this.#assets ??= new Set(existsSync(join(this.#dir, 'assets')) ? readdirSync(join(this.#dir, 'assets')) : []);
    if (!this.#assets.has(name)) throw new CaError('notFound', 'no such file');
    return this.file(`assets/${name}`, accepts);
  }

  private file(name: string, accepts = ''): BuiltFile {
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    const encoding = (['br', 'gzip'] as const).find(
      (known) =>
        new RegExp(`\\b${known}\\b(?!;q=0)`).test(accepts) && existsSync(join(this.#dir, name + SUFFIXES[known])),
    );
    return { body: this.read(encoding ? name + SUFFIXES[encoding] : name), type, encoding };
  }

  private read(name: string): Buffer {
    const known = this.#read.get(name);
    if (known) return known;
    const body = readFileSync(join(this.#dir, name));
    this.#read.set(name, body);
    return body;
  }
}
