// Builds the pages into dist/services/portal/pages when something they are made of has changed since the last build.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import openapiTS, { astToString } from 'openapi-typescript';
import { build } from 'vite';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const out = join(root, 'dist/services/portal/pages');
const stamp = join(root, 'dist/services/portal/pages.sha256');
const DOCUMENT = 'docs/openapi.json';
const TYPES = 'services/portal/web/src/api/schema.d.ts';

const made = sourcesDigest();
if (existsSync(join(out, 'index.html')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === made) process.exit(0);

writeFileSync(join(root, TYPES), astToString(await openapiTS(apiDocument())));
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'services/portal/web'], {
  cwd: root,
  stdio: 'inherit',
});
await build({ configFile: join(root, 'services/portal/web/vite.config.mjs'), logLevel: 'warn' });
compress(join(out, 'assets'));
compress(out);
writeFileSync(stamp, made);

/**
 * As openapi-typescript wants it: without the operations' ids, since several services have a `DeadLettersController`; and a
 * success whose status is the framework's own (`default`) under a number, since every refusal would be read as one.
 */
function apiDocument() {
  const document = JSON.parse(readFileSync(join(root, DOCUMENT), 'utf8'));
  for (const operation of Object.values(document.paths).flatMap((item) => Object.values(item))) {
    delete operation.operationId;
    const { default: success, ...others } = operation.responses;
    if (success) operation.responses = { 200: success, ...others };
  }
  return document;
}

function sourcesDigest() {
  const filesIn = (dir) =>
    readdirSync(join(root, dir), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  const sources = ['services/portal/web', 'libs/taiwan/src', 'libs/errors/src'].flatMap(filesIn);
  const others = [
    DOCUMENT,
    'package-lock.json',
    'services/portal/src/page-paths.ts',
    'services/portal/src/console-doors.ts',
  ];
  const hash = createHash('sha256');
  for (const file of [...sources.filter((name) => name !== TYPES).sort(), ...others]) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Beside each file its compressed twins, so that no request has to wait for them. */
function compress(dir) {
  for (const name of readdirSync(dir).filter((file) => /\.(js|css|html|svg|md)$/.test(file))) {
    const body = readFileSync(join(dir, name));
    writeFileSync(join(dir, `${name}.br`), brotliCompressSync(body));
    writeFileSync(join(dir, `${name}.gz`), gzipSync(body));
  }
}
