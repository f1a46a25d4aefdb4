import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeWith } from '../deploy/tools/tool.fixture.js';
import { SERVICES } from '../services/all-in-one/src/services.js';
import { Cluster, kustomize, type Peer } from './deployment/kubernetes.js';
import { secretsFolder } from './deployment/secrets.fixture.js';
import { outside, problemsOf, readableBy } from './deployment/settings.js';

const OVERLAYS = ['dev', 'production'] as const;
const names = SERVICES.map(({ name }) => name);
const withDatabase = SERVICES.filter(({ migrations }) => migrations.length > 0).map(({ name }) => name);
const nameOf = ({ podSelector }: Peer) => podSelector?.matchLabels?.['app.kubernetes.io/name'];

/** The Secrets that k8s/secrets.sh makes: their files by name, told by a kubectl that writes down what it is asked. */
function madeSecrets(dir: string): Map<string, string[]> {
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  // One write a call: two of them, the ends of a pipe, run at once.
  writeFileSync(join(bin, 'kubectl'), '#!/bin/sh\nprintf "%s\\n" "$@" "" >>"$TOLD"\n');
  chmodSync(join(bin, 'kubectl'), 0o755);
  const told = join(dir, 'told');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, TOLD: told };
  const run = spawnSync('k8s/secrets.sh', ['kaika', dir, '--stack'], { encoding: 'utf8', env });
  if (run.status !== 0) throw new Error(run.stderr);
  const calls = readFileSync(told, 'utf8').split('\n\n');
  return new Map(
    calls.flatMap((call) => {
      const words = call.trim().split('\n');
      const at = words.indexOf('secret');
      if (at < 0) return [];
      const files = words.flatMap((word) => /^--(?:from-file=[^=]+|cert|key)=(.*)$/.exec(word)?.[1] ?? []);
      return [[words[at + 2]!, files] as const];
    }),
  );
}

describeWith('kustomize', 'deploy/tools/install.sh', 'k8s/', (binary) => {
  const clusters = new Map<string, Cluster>();
  const cluster = (overlay: string) => clusters.get(overlay)!;
  let dir: string;
  let secrets: Map<string, string[]>;

  beforeAll(async () => {
    for (const overlay of OVERLAYS)
      clusters.set(overlay, new Cluster(kustomize(binary, `k8s/overlays/${overlay}`).manifests));
    dir = await secretsFolder();
    secrets = madeSecrets(dir);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  describe.each(OVERLAYS)('overlay %s', (overlay) => {
    it.each(names)('has Deployment, Service, NetworkPolicy and probes of %s', (name) => {
      const { spec } = cluster(overlay).get('Deployment', name);
      const [container] = spec.template!.spec.containers;
      expect(container!.image).toMatch(new RegExp(`(^|/)kaika/${name}:[\\w.]+$`));
      expect(container!.livenessProbe?.httpGet).toEqual({ path: '/healthz', port: 'http' });
      expect(container!.readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'http' });
      const { port } = SERVICES.find((service) => service.name === name)!;
      expect(container!.ports!.map(({ containerPort }) => containerPort)).toEqual([port, 9464]);
      expect(cluster(overlay).get('Service', name).spec.ports).toEqual([{ name: 'http', port, targetPort: 'http' }]);
      expect(cluster(overlay).get('NetworkPolicy', name).spec.podSelector!.matchLabels).toMatchObject({
        'app.kubernetes.io/name': name,
      });
    });

    it.each(names)('gives %s all settings it needs, and its Secrets’ files, in a form it takes', async (name) => {
      const spec = cluster(overlay).get('Deployment', name).spec.template!.spec;
      const env = cluster(overlay).environment(spec.containers[0]!);
      expect(Object.keys(env).filter((variable) => !readableBy(name).has(variable))).toEqual([]);
      const root = join(dir, overlay, name);
      for (const [folder, mounted] of cluster(overlay).secrets(spec)) {
        mkdirSync(join(root, folder), { recursive: true });
        for (const file of mounted.flatMap((secret) => secrets.get(secret) ?? [`/no Secret ${secret}`])) {
          linkSync(file, join(root, folder, basename(file)));
        }
      }
      const mounts = new Map(['/run', '/var/lib/kaika'].map((path) => [path, join(root, path)]));
      expect(await problemsOf(name, { NODE_ENV: 'production', ...outside(env, mounts) })).toBe('');
    });

    it.each(withDatabase)('migrates %s by a Job of its own, as the owner', (name) => {
      const spec = cluster(overlay).get('Job', `migrate-${name}`).spec.template!.spec;
      const [container] = spec.containers;
      expect(container!.args).toEqual(['migrate']);
      expect(container!.image).toBe(cluster(overlay).get('Deployment', name).spec.template!.spec.containers[0]!.image);
      const env = cluster(overlay).environment(container!);
      expect(new URL(env['KAIKA_DATABASE_OWNER_URL']!).username).toBe(`kaika_${name.replaceAll('-', '_')}_owner`);
      const [file] = secrets.get(`${name}-owner`)!;
      expect(env['KAIKA_DATABASE_OWNER_PASSWORD_FILE']).toBe(`/run/secrets/kaika/${basename(file!)}`);
      const running = cluster(overlay).environment(cluster(overlay).get('Deployment', name).spec.template!.spec.containers[0]!); // prettier-ignore
      expect(new URL(running['DATABASE_URL']!).username).toBe(`kaika_${name.replaceAll('-', '_')}_app`);
      expect(Object.keys(running).filter((variable) => variable.includes('OWNER'))).toEqual([]);
    });

    it('takes every right away from every pod', () => {
      for (const { name, kind, spec } of cluster(overlay).pods()) {
        expect([name, spec.automountServiceAccountToken, spec.enableServiceLinks]).toEqual([name, false, false]);
        expect([name, spec.securityContext]).toEqual([name, expect.objectContaining({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })]); // prettier-ignore
        for (const container of spec.containers) {
          const { readOnlyRootFilesystem, ...context } = container.securityContext ?? {};
          expect([name, context]).toEqual([name, { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }]);
          expect([name, readOnlyRootFilesystem]).toEqual([name, kind === 'StatefulSet' ? undefined : true]);
          expect([name, Object.keys(container.resources?.limits ?? {})]).toEqual([name, ['cpu', 'memory']]);
        }
      }
    });

    it('has one crl-publisher at a time, and as many of the others as the database has places for', () => {
      const { replicas, strategy } = cluster(overlay).get('Deployment', 'crl-publisher').spec;
      expect([replicas, strategy]).toEqual([1, { type: 'Recreate' }]);
      for (const name of withDatabase.filter((service) => service !== 'crl-publisher')) {
        const running = cluster(overlay).get('Deployment', name).spec.replicas!;
        // A quarter more, rounded up, while one takes the place of another; 13 connections each, of 40.
        expect([name, (running + Math.ceil(running / 4)) * 13 <= 40]).toEqual([name, true]);
      }
    });

    it('says who may talk to whom, as the addresses of the settings do', () => {
      const built = cluster(overlay);
      const talks = new Map<string, string[]>(names.map((name) => [name, []]));
      for (const name of names) {
        const env = built.environment(built.get('Deployment', name).spec.template!.spec.containers[0]!);
        for (const { name: peer, port } of SERVICES) {
          const address = env[`KAIKA_${peer.toUpperCase().replaceAll('-', '_')}_URL`];
          if (address === undefined) continue;
          expect(address).toBe(`http://${peer}:${port}`);
          talks.get(peer)!.push(name);
        }
      }
      expect(talks.get('suspension')!.sort()).toEqual(['acceptance', 'crl-publisher', 'status-query']);
      for (const { name, port } of SERVICES) {
        const { ingress } = built.get('NetworkPolicy', name).spec;
        expect(ingress!.flatMap(({ ports }) => ports!.map((each) => each.port))).toEqual([port]);
        expect(ingress!.flatMap(({ from }) => from!.map(nameOf)).sort()).toEqual(['edge', ...talks.get(name)!].sort());
        const stack = withDatabase.includes(name) ? ['postgres', 'kafka'] : [];
        if (name === 'crl-publisher') stack.push('redis');
        const peers = names.filter((peer) => talks.get(peer)!.includes(name));
        const out = built.get('NetworkPolicy', name).spec.egress!;
        expect(out.flatMap(({ to = [] }) => to.map(nameOf)).sort()).toEqual([...stack, ...peers].sort());
        const anywhere = out.filter(({ to }) => !to).flatMap(({ ports }) => ports!.map((each) => each.port));
        expect(anywhere).toEqual(name === 'issuance' ? [25, 465, 587, 443] : [443]);
        const [container] = built.get('Deployment', name).spec.template!.spec.containers;
        const keys = new URL(built.environment(container!)['KAIKA_JWKS_URL']!);
        // 443 is left out of an https address; one in the cluster would be asked at its pod's port.
        expect([name, keys.protocol, anywhere.includes(Number(keys.port || 443))]).toEqual([name, 'https:', true]);
        expect(keys.hostname).toMatch(/\.(?!local$)\w+$/);
      }
      const edge = built.get('NetworkPolicy', 'edge').spec.egress!;
      expect(edge.map(({ to, ports }) => `${nameOf(to![0]!)}:${ports![0]!.port}`).sort()).toEqual(SERVICES.map(({ name, port }) => `${name}:${port}`).sort()); // prettier-ignore
      expect(built.get('NetworkPolicy', 'default-deny').spec).toEqual({
        podSelector: {},
        policyTypes: ['Ingress', 'Egress'],
      });
      const figures = built
        .of('NetworkPolicy')
        .filter(({ spec }) => JSON.stringify(spec.ingress ?? []).includes('9464'));
      expect(figures.map(({ metadata, spec }) => [metadata.name, spec.ingress![0]!.from])).toEqual([
        ['metrics', [{ namespaceSelector: { matchLabels: { 'kaika/monitoring': 'true' } } }]],
      ]);
    });

    it('refers to Secrets that k8s/secrets.sh makes, has none itself, and gives CA keys to two services', () => {
      expect(cluster(overlay).of('Secret')).toEqual([]);
      const holders = new Map<string, string[]>();
      for (const { name, spec } of cluster(overlay).pods()) {
        for (const secret of [...cluster(overlay).secrets(spec).values()].flat()) {
          expect([name, secret, secrets.has(secret)]).toEqual([name, secret, true]);
          holders.set(secret, [...(holders.get(secret) ?? []), name]);
        }
      }
      expect(holders.get('authority-issuing')!.sort()).toEqual(['crl-publisher', 'issuance']);
      expect(holders.get('authority-card')).toEqual(['issuance']);
      expect([...secrets.values()].flat().some((file) => basename(file).startsWith('root.key'))).toBe(false);
    });

    it('keeps one of each that has two, and spreads them', () => {
      for (const name of [...names.filter((service) => service !== 'crl-publisher'), 'edge']) {
        const budget = cluster(overlay).get('PodDisruptionBudget', name).spec;
        expect(budget.minAvailable).toBe(overlay === 'production' ? 1 : 0);
        if (overlay === 'production') expect(cluster(overlay).get('Deployment', name).spec.replicas).toBeGreaterThan(1);
        expect(cluster(overlay).get('Deployment', name).spec.template!.spec.topologySpreadConstraints).toHaveLength(1);
      }
      expect(() => cluster(overlay).get('PodDisruptionBudget', 'crl-publisher')).toThrow('no PodDisruptionBudget');
    });
  });

  it('gives the edge the configuration that npm run edge makes, and in production an address of its own', () => {
    const maps = OVERLAYS.map((overlay) => {
      const volume = cluster(overlay).get('Deployment', 'edge').spec.template!.spec.volumes!.find(({ configMap }) => configMap)!; // prettier-ignore
      return cluster(overlay).get('ConfigMap', volume.configMap!.name).data;
    });
    for (const data of maps) expect(data).toEqual({ 'nginx.conf': readFileSync('k8s/base/edge/nginx.conf', 'utf8') });
    expect(cluster('production').get('Service', 'edge').spec).toMatchObject({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' }); // prettier-ignore
  });
});

describeWith('kubectl-validate', 'deploy/tools/install.sh', 'k8s/, by the schemas of Kubernetes', (validate) => {
  describeWith('kustomize', 'deploy/tools/install.sh', 'what kustomize builds', (binary) => {
    const check = (text: string) => {
      const dir = mkdtempSync(join(tmpdir(), 'kaika-manifests-'));
      writeFileSync(join(dir, 'all.yaml'), text);
      const run = spawnSync(validate, ['--version', '1.30', join(dir, 'all.yaml')], { encoding: 'utf8' });
      rmSync(dir, { recursive: true });
      return run;
    };

    it.each(OVERLAYS)('holds: overlay %s', (overlay) => {
      const { text } = kustomize(binary, `k8s/overlays/${overlay}`);
      const { status, stdout, stderr } = check(text);
      expect([status, stdout + stderr]).toEqual([0, expect.stringContaining('OK')]);
    });

    it('would not hold with a field that Kubernetes does not know', () => {
      const { text } = kustomize(binary, 'k8s/overlays/production');
      const { status, stdout, stderr } = check(text.replace('automountServiceAccountToken', 'automountAccountToken'));
      expect([status === 0, stdout + stderr]).toEqual([false, expect.stringContaining('automountAccountToken')]);
    });
  });
});
