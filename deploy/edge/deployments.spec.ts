import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { SERVICES } from '../../services/all-in-one/src/services.js';
import { describeWith } from '../tools/tool.fixture.js';
import { committedConfigs } from './deployments.js';
import { newDir, selfSigned } from './nginx.fixture.js';
import type { ApiDocument } from './route-table.js';

const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as ApiDocument;
const files = Object.keys(committedConfigs(document));

describe('the committed configuration of the edge', () => {
  it.each(Object.entries(committedConfigs(document)))(
    '%s is what the route table makes (npm run edge)',
    (file, text) => {
      expect(readFileSync(file, 'utf8')).toBe(text);
    },
  );

  it.each(files)('%s knows every service at its own port', (file) => {
    const text = readFileSync(file, 'utf8');
    for (const { name, port } of SERVICES) expect(text).toContain(` ${name}:${port};`);
  });
});

describeWith('nginx', 'apt-get install nginx-light', 'nginx -t', (binary) => {
  it.each(files)('takes %s', (file) => {
    const dir = newDir();
    const { certificate, key } = selfSigned(dir);
    // What only a deployment has: certificates, names of services and, here, a folder to write to.
    const text = readFileSync(file, 'utf8')
      .replaceAll('/tmp/', `${dir}/`)
      .replace(/(ssl_certificate) .*;/, `$1 ${certificate};`)
      .replace(/(ssl_certificate_key) .*;/, `$1 ${key};`)
      .replace(/^( *server )[\w-]+(:\d+;)/gm, '$1127.0.0.1$2');
    writeFileSync(join(dir, 'nginx.conf'), text);
    const run = spawnSync(binary, ['-t', '-p', dir, '-e', 'stderr', '-c', join(dir, 'nginx.conf')], {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'], // nginx opens /dev/stdout, which cannot be done to a socket
    });
    rmSync(dir, { recursive: true });
    expect([run.status, run.stderr.match(/\[(warn|error|emerg|alert)\].*/g)]).toEqual([0, null]);
  });
});
