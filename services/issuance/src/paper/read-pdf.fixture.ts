import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ReadPdf {
  /** Without blanks and line breaks. */
  text: string;
  pages: number;
  /** Everything that makes it accessible, as pdfinfo tells it. */
  info: Record<string, string>;
  /** `name type encoding emb sub uni` a font. */
  fonts: string[];
  /** Of the first page: `CODE-128:K…` */
  barCodes: string[];
  /** `H1`, `TH`… in reading order. */
  tags: string[];
}

/** What others read in a PDF: poppler its text and pictures, ZBar its bar codes. Throws when qpdf finds it is not sound. */
export function readPdf(bytes: Buffer): ReadPdf {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-pdf-'));
  try {
    const file = join(dir, 'a.pdf');
    writeFileSync(file, bytes);
    const run = (command: string, ...args: string[]) =>
      execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 30_000 });
    run('qpdf', '--check', file);
    const info = Object.fromEntries(
      run('pdfinfo', file)
        .split('\n')
        .map((line) => [line.split(':')[0]!, line.slice(line.indexOf(':') + 1).trim()]),
    );
    run('pdftoppm', '-r', '150', '-gray', '-png', '-singlefile', file, join(dir, 'page'));
    return {
      text: run('pdftotext', '-enc', 'UTF-8', file, '-').replace(/\s/g, ''),
      pages: Number(info['Pages']),
      info,
      fonts: run('pdffonts', file).trim().split('\n').slice(2),
      barCodes: run('zbarimg', '-q', '-Sdisable', '-Scode128.enable', join(dir, 'page.png')).trim().split('\n'),
      tags: [...run('pdfinfo', '-struct', file).matchAll(/^ *([A-Z]\w*)/gm)].map(([, tag]) => tag!),
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
