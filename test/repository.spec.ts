import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const read = (file: string) => readFileSync(file, 'utf8');
const folders = (dir: string) =>
  readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
const tracked = () =>
  execFileSync('git', ['ls-files'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter((file) => existsSync(file));

describe('the repository', () => {
  it('has every service and lib in nest-cli.json', () => {
    const { projects } = JSON.parse(read('nest-cli.json')) as {
      projects: Record<string, { type: string; root: string }>;
    };
    const present = [
      ...folders('services').map((name) => ({ name, type: 'application', root: `services/${name}` })),
      ...folders('libs').map((name) => ({ name, type: 'library', root: `libs/${name}` })),
    ].sort((a, b) => (a.root < b.root ? -1 : 1));
    const described = Object.entries(projects).map(([name, { type, root }]) => ({ name, type, root }));
    expect(described.sort((a, b) => (a.root < b.root ? -1 : 1))).toEqual(present);
  });

  it('gives a reason for every dependency', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    const reasons = read('docs/DEPENDENCIES.md');
    const unexplained = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => {
      const short = name.replace('@nestjs/', '');
      return !reasons.includes(name) && !(name.startsWith('@nestjs/') && new RegExp(`\\b${short}\\b`).test(reasons));
    });
    expect(
      unexplained.filter((name) => !name.startsWith('@types/') && !name.startsWith('@jest/') && name !== '@eslint/js'),
    ).toEqual([]);
  });

  it('imports no service from another, but for the one that starts them all', () => {
    const wrong = tracked()
      .filter((file) => /^services\/(?!all-in-one\/).*\.ts$/.test(file))
      .filter((file) => new RegExp(`from '\\.\\./.*(${folders('services').join('|')})/src`).test(read(file)));
    expect(wrong).toEqual([]);
  });

  it('has a README for every service and lib', () => {
    const missing = [
      ...folders('services').map((name) => `services/${name}`),
      ...folders('libs').map((name) => `libs/${name}`),
    ];
    expect(missing.filter((dir) => !existsSync(`${dir}/README.md`))).toEqual([]);
  });

  it('speaks of no secret, focused test or unfinished business', () => {
    const sources = tracked().filter((file) => file.endsWith('.ts') && file !== 'test/repository.spec.ts');
    const found = sources.filter((file) =>
      /\b(it|test|describe)\.(only|skip|todo)\(|\b(TODO|FIXME|XXX)\b/.test(read(file)),
    );
    expect(found).toEqual([]);
  });
});
