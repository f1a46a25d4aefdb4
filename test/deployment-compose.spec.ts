import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { type ApiDocument, routeTable, servicesOf } from '../deploy/edge/route-table.js';
import { describeWith } from '../deploy/tools/tool.fixture.js';
import { SERVICES } from '../services/all-in-one/src/services.js';
import { environmentOf, mountsOf, readCompose } from './deployment/compose.js';
import { secretsFolder } from './deployment/secrets.fixture.js';
import { outside, problemsOf, readableBy } from './deployment/settings.js';

const compose = readCompose();
const names = SERVICES.map(({ name }) => name);
const all = Object.entries(compose.services);

/** What docs/OPERATIONS.md says has to be in `.env`. */
const DOT_ENV = {
  KAIKA_TOKEN_ISSUER: 'https://identity.example/realms/kaika',
  KAIKA_JWKS_URL: 'https://identity.example/realms/kaika/keys',
  KAIKA_PORTAL_ORIGINS: 'https://ca.example',
  KAIKA_PUBLIC_URL: 'http://ca.example',
};

describe('docker-compose.yml', () => {
  let dir: string;
  beforeAll(async () => void (dir = await secretsFolder()));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('has a block for every service of the route table', () => {
    const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as ApiDocument;
    expect(servicesOf(routeTable(document)).sort()).toEqual([...names].sort());
  });

  it.each(names)('has %s, built from its own main', (name) => {
    expect(compose.services[name]).toMatchObject({
      build: { dockerfile: 'deploy/Dockerfile', args: { SERVICE: name } },
      restart: 'unless-stopped',
      healthcheck: { test: ['CMD', 'node', '-e', expect.stringContaining("process.env.PORT + '/readyz'")] },
    });
    expect(existsSync(`services/${name}/src/main.ts`)).toBe(true);
  });

  it.each(names)('gives %s all settings it needs, in a form it takes', async (name) => {
    // Each secret alone, in a folder made of its mounts: what is not mounted is not there.
    const root = join(dir, 'inside', name);
    const env = environmentOf(compose, name, DOT_ENV);
    for (const [inside, file] of mountsOf(compose, name, DOT_ENV)) {
      if (!file.startsWith('./deploy/')) continue;
      mkdirSync(join(root, dirname(inside)), { recursive: true });
      linkSync(join(dir, file.slice('./deploy/'.length)), join(root, inside));
    }
    const mounts = new Map(['/run', '/var/lib/kaika'].map((path) => [path, join(root, path)]));
    expect(await problemsOf(name, { NODE_ENV: 'production', ...outside(env, mounts) })).toBe('');
    // Names what is missing, so that the line above is worth something.
    const { KAIKA_SERVICE_JWKS_FILE: _, ...less } = env;
    expect(await problemsOf(name, outside(less, mounts))).toContain('KAIKA_SERVICE_JWKS_FILE: is not set');
  });

  it.each(names)('sets nothing for %s that it does not read, and what it leaves out is documented', (name) => {
    const set = Object.keys(compose.services[name]!.environment ?? {});
    const readable = readableBy(name);
    expect(set.filter((variable) => !readable.has(variable))).toEqual([]);
    const page = readFileSync('docs/OPERATIONS.md', 'utf8');
    const missing = [...readable].filter((variable) => !set.includes(variable) && !page.includes(`\`${variable}\``));
    expect(missing.filter((variable) => !/^(KAIKA_HOTLINE_\d+|NODE_ENV)$/.test(variable))).toEqual([]);
  });

  it('takes the override that docs/OPERATIONS.md shows for what it leaves out', () => {
    const page = readFileSync('docs/OPERATIONS.md', 'utf8');
    const [, example] = /```yaml\n([^`]*KAIKA_AGENT_DOWNLOADS[^`]*)```/.exec(page) ?? [];
    const { services } = load(example ?? '') as Pick<typeof compose, 'services'>;
    expect(Object.keys(services)).toEqual(['portal']);
    const { environment, volumes, ...others } = services['portal']!;
    expect([Object.keys(environment!), others]).toEqual([['KAIKA_AGENT_DOWNLOADS'], {}]);
    expect(readableBy('portal').has('KAIKA_AGENT_DOWNLOADS')).toBe(true);
    expect(volumes!.map((volume) => volume.split(':').slice(1))).toEqual([
      [environment!['KAIKA_AGENT_DOWNLOADS'], 'ro'],
    ]);
    expect(Object.keys(compose.services['portal']!.environment!)).not.toContain('KAIKA_AGENT_DOWNLOADS');
  });

  it('names services at their own ports', () => {
    for (const { name, port } of SERVICES) expect(compose.services[name]!.environment).toMatchObject({ PORT: String(port) }); // prettier-ignore
    const addresses = names.flatMap((name) =>
      Object.entries(compose.services[name]!.environment!).filter(([variable]) => /^KAIKA_(\w+)_URL$/.test(variable)),
    );
    for (const [variable, address] of addresses) {
      const peer = SERVICES.find(({ name }) => variable === `KAIKA_${name.toUpperCase()}_URL`);
      if (peer) expect(address).toBe(`http://${peer.name}:${peer.port}`);
    }
  });

  it('mounts each secret only where a setting names it, and the root’s key nowhere', () => {
    for (const name of names) {
      const values = Object.values(environmentOf(compose, name, { ...DOT_ENV, KAIKA_SMTP_PASSWORD_FILE: 'x' }));
      for (const inside of mountsOf(compose, name, DOT_ENV).keys()) {
        const named = values.some((value) => value === inside || value === dirname(inside));
        expect([name, inside, named]).toEqual([name, inside, true]);
      }
    }
    const holders = (file: string) => names.filter((name) => [...mountsOf(compose, name, {}).values()].some((path) => basename(path) === file)); // prettier-ignore
    expect(holders('issuing.key.pem')).toEqual(['issuance', 'crl-publisher']);
    expect(holders('card.key.pem')).toEqual(['issuance']);
    expect(Object.values(compose.secrets).some(({ file }) => file.endsWith('root.key.pem'))).toBe(false);
  });

  it('takes every right away that it can, and limits all', () => {
    for (const [name, service] of all) {
      expect([name, service.cap_drop]).toEqual([name, ['ALL']]);
      expect([name, service.security_opt]).toEqual([name, ['no-new-privileges:true']]);
      expect([name, service.read_only === true]).toEqual([name, name !== 'kafka']);
      const { cpus, memory } = service.deploy?.resources.limits ?? {};
      if (name !== 'setup') expect([name, Boolean(cpus && memory)]).toEqual([name, true]);
      expect([name, service.image]).toEqual([name, expect.stringMatching(/:[^:]+$/)]);
    }
  });

  it('publishes the edge’s ports and no other; the stack has no way out', () => {
    expect(all.filter(([, { ports }]) => ports).map(([name]) => name)).toEqual(['edge']);
    for (const name of ['postgres', 'kafka', 'redis']) expect(compose.services[name]!.networks).toEqual(['data']);
    expect(compose.networks['data']).toEqual({ internal: true });
  });

  it('starts services after the migrations, and waits for nothing else', () => {
    // Those of the same build: a profile that is not asked for would not be built.
    for (const name of ['setup', 'setup-database', 'setup-kafka']) expect(compose.services[name]!.build?.target).toBe('setup'); // prettier-ignore
    for (const { name, migrations } of SERVICES) {
      const conditions = migrations.length > 0 ? { 'setup-database': { condition: 'service_completed_successfully' } } : []; // prettier-ignore
      expect([name, compose.services[name]!.depends_on]).toEqual([name, conditions]);
    }
  });

  it('sets up a server that listens for others too, and tries again', () => {
    // Without an address pg_isready asks the socket, where the server that makes the database answers as well.
    expect(compose.services['postgres']!.healthcheck!.test.join(' ')).toContain('pg_isready -h 127.0.0.1 ');
    for (const [name, server] of [
      ['setup-database', 'postgres'],
      ['setup-kafka', 'kafka'],
    ] as const) {
      // prettier-ignore
      const { restart, depends_on } = compose.services[name]!;
      expect([name, restart, depends_on]).toEqual([name, 'on-failure', { [server]: { condition: 'service_healthy' } }]);
    }
    expect(compose.services['setup']!.restart).toBe('no');
  });

  it('has nobody anonymous at Kafka, and a password at Redis', () => {
    const { environment } = compose.services['kafka']!;
    const protocols = environment!
      ['KAFKA_LISTENER_SECURITY_PROTOCOL_MAP']!.split(',')
      .map((pair) => pair.split(':')[1]);
    expect(new Set(protocols)).toEqual(new Set(['SASL_PLAINTEXT']));
    expect(environment!['KAFKA_SUPER_USERS']).toBe('User:admin');
    expect(JSON.stringify(compose.services['redis'])).toContain('requirepass $$(cat /run/secrets/redis)');
    expect(JSON.stringify(compose.services['redis'])).toContain('maxmemory-policy noeviction');
  });
});

describeWith(
  'compose-check',
  'deploy/tools/install.sh',
  'docker-compose.yml, read as Docker Compose does',
  (binary) => {
    const check = (...files: string[]) =>
      spawnSync(binary, files, { encoding: 'utf8', env: { ...process.env, ...DOT_ENV } });

    it('holds, alone and with the file for development', () => {
      for (const files of [['docker-compose.yml'], ['docker-compose.yml', 'docker-compose.dev.yml']]) {
        const { status, stderr, stdout } = check(...files);
        expect([status, stderr]).toEqual([0, '']);
        const model = JSON.parse(stdout) as { services: Record<string, { ports?: { host_ip?: string }[] }> };
        const open = Object.entries(model.services).filter(([name, { ports }]) => name !== 'edge' && ports);
        expect(open.flatMap(([, { ports }]) => ports!.map(({ host_ip }) => host_ip)).every((ip) => ip === '127.0.0.1')).toBe(true); // prettier-ignore
      }
    });

    it('would not hold with what the schema does not know', () => {
      const { status, stderr } = spawnSync(binary, ['-'], { input: 'services: { a: { image: x, healthchek: {} } }', encoding: 'utf8' }); // prettier-ignore
      expect([status, stderr]).toEqual([1, expect.stringContaining('healthchek')]);
    });
  },
);
