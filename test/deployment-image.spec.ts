import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { describeWith } from '../deploy/tools/tool.fixture.js';
import { SERVICES } from '../services/all-in-one/src/services.js';
import { repositoryFiles } from './deployment/secrets.fixture.js';

/** Instructions of a Dockerfile by stage, continued lines as one. */
function stages(text: string): { name: string; from: string; instructions: [word: string, rest: string][] }[] {
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter(Boolean);
  const found: ReturnType<typeof stages> = [];
  for (const line of lines) {
    const [, word, rest] = /^(\S+)\s+(.*)$/.exec(line)!;
    const from = /^(\S+) AS (\S+)$/.exec(rest!);
    if (word === 'FROM') found.push({ from: from![1]!, name: from![2]!, instructions: [] });
    else found.at(-1)!.instructions.push([word!, rest!]);
  }
  return found;
}

describe('deploy/Dockerfile', () => {
  const all = stages(readFileSync('deploy/Dockerfile', 'utf8'));
  const stage = (name: string) => all.find((each) => each.name === name)!;
  const of = (name: string, word: string) =>
    stage(name)
      .instructions.filter(([w]) => w === word)
      .map(([, rest]) => rest);

  it('makes one service’s image last, from what is built without development’s packages', () => {
    expect(all.map(({ name, from }) => `${name} < ${from}`)).toEqual([
      'build < node:24-bookworm-slim',
      'runtime < node:24-bookworm-slim',
      'setup < runtime',
      'service < runtime',
    ]);
    expect(of('build', 'RUN').join()).toMatch(/npm ci .*npm run --silent build .*npm prune --omit=dev/);
    expect(of('service', 'ARG')).toEqual(['SERVICE']);
  });

  it('runs as an ordinary user, by the exec form, and is asked whether it is ready without curl', () => {
    for (const name of ['setup', 'service']) {
      const [entry] = of(name, 'ENTRYPOINT');
      expect(JSON.parse(entry!)).toEqual(expect.arrayContaining(['node', '--enable-source-maps']));
      const users = [...of('runtime', 'USER'), ...of(name, 'USER')];
      expect(users.at(-1)).toBe('1000:1000');
    }
    const command = JSON.parse(of('service', 'HEALTHCHECK')[0]!.replace(/^.*? CMD /, '')) as string[];
    expect(command.slice(0, 2)).toEqual(['node', '-e']);
    // The command itself: 0 for a service that is ready, 1 for one that is not there.
    expect(spawnSync(process.execPath, command.slice(1), { env: { PORT: '1' } }).status).toBe(1);
  });

  it('starts the main of the service that it was built for', () => {
    expect(of('service', 'RUN')[0]).toContain('ln -s "services/${SERVICE}/src/main.js" dist/main.js');
    for (const { name } of SERVICES) expect(existsSync(`services/${name}/src/main.ts`)).toBe(true);
    expect(existsSync('deploy/setup/main.ts')).toBe(true);
  });

  it('copies only what is there and what .dockerignore lets through', () => {
    const let_ = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .flatMap((line) => /^!(.*)$/.exec(line)?.[1] ?? []);
    const copied = all.flatMap(({ instructions }) =>
      instructions
        .filter(([word, rest]) => word === 'COPY' && !rest.startsWith('--from'))
        .flatMap(([, rest]) => rest.split(' ').slice(0, -1)),
    );
    expect(copied.filter((path) => !existsSync(path))).toEqual([]);
    expect(copied.filter((path) => !let_.some((open) => path === open || path.startsWith(`${open}/`)))).toEqual([]);
    for (const kept of ['deploy/secrets', 'deploy/authority']) {
      expect(readFileSync('.dockerignore', 'utf8').split('\n')).toContain(kept);
      expect(readFileSync('.gitignore', 'utf8').split('\n')).toContain(`${kept}/`);
    }
  });
});

describeWith('hadolint', 'deploy/tools/install.sh', 'hadolint', (binary) => {
  it('has nothing to say of deploy/Dockerfile', () => {
    const { status, stdout } = spawnSync(binary, ['deploy/Dockerfile'], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, '']);
  });
});

describe('the files of the deployment', () => {
  it('hold no secret', () => {
    const files = repositoryFiles(
      'docker-compose*.yml',
      'k8s',
      'deploy/Dockerfile',
      'deploy/edge/nginx.conf',
      '.dockerignore',
    );
    expect(files.length).toBeGreaterThan(40);
    const secret = [
      /PRIVATE KEY/,
      /:\/\/[^/\s:@'"]+:[^@\s/'"]+@/, // a password in an address
      /(password|passphrase|token|secret)["']?\s*[:=]\s*["']?[A-Za-z0-9+/_-]{12,}/i,
      /\b[0-9a-f]{40,}\b/, // what randomBytes gives
      /^kind: Secret$/m,
    ];
    const found = files.flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      return secret.filter((form) => form.test(text)).map((form) => `${file}: ${form.exec(text)![0]}`);
    });
    expect(found).toEqual([]);
  });
});
