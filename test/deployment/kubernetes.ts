import { spawnSync } from 'node:child_process';
import { loadAll } from 'js-yaml';
import type { Environment } from './settings.js';

export interface EnvEntry {
  name: string;
  value?: string;
  valueFrom?: { configMapKeyRef: { name: string; key: string; optional?: boolean } };
}

export interface Volume {
  name: string;
  projected?: { sources: { secret: { name: string } }[] };
  secret?: { secretName: string };
  configMap?: { name: string };
  emptyDir?: object;
  persistentVolumeClaim?: { claimName: string };
}

export interface Probe {
  httpGet?: { path: string; port: string };
}

export interface Container {
  name: string;
  image: string;
  args?: string[];
  env?: EnvEntry[];
  ports?: { name: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  securityContext?: Record<string, unknown>;
  resources?: { requests: Record<string, string>; limits: Record<string, string> };
  livenessProbe?: Probe;
  readinessProbe?: Probe;
}

export interface PodSpec {
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  enableServiceLinks?: boolean;
  securityContext?: Record<string, unknown>;
  containers: Container[];
  volumes?: Volume[];
  topologySpreadConstraints?: object[];
}

export interface Peer {
  podSelector?: { matchLabels?: Record<string, string> };
  namespaceSelector?: { matchLabels?: Record<string, string> };
}

export interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: { port: number }[];
}

export interface Manifest {
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  data?: Record<string, string>;
  spec: {
    replicas?: number;
    strategy?: { type: string };
    selector?: unknown;
    podSelector?: { matchLabels?: Record<string, string> };
    ports?: { port: number }[];
    type?: string;
    ingress?: Rule[];
    egress?: Rule[];
    minAvailable?: number;
    template?: { metadata: { labels: Record<string, string> }; spec: PodSpec };
  };
}

/** What `kustomize build` makes of a folder. @throws Error with its words */
export function kustomize(binary: string, folder: string): { text: string; manifests: Manifest[] } {
  const { status, stdout, stderr } = spawnSync(binary, ['build', folder], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`kustomize build ${folder}: ${stderr}`);
  return { text: stdout, manifests: loadAll(stdout) as Manifest[] };
}

export class Cluster {
  constructor(readonly manifests: readonly Manifest[]) {}

  of(kind: string): Manifest[] {
    return this.manifests.filter((manifest) => manifest.kind === kind);
  }

  get(kind: string, name: string): Manifest {
    const found = this.of(kind).find(({ metadata }) => metadata.name === name);
    if (!found) throw new Error(`no ${kind} ${name}`);
    return found;
  }

  /** All pods that run or may run. */
  pods(): { name: string; kind: string; labels: Record<string, string>; spec: PodSpec }[] {
    return this.manifests.flatMap(({ kind, metadata, spec }) =>
      spec?.template
        ? [{ name: metadata.name, kind, labels: spec.template.metadata.labels, spec: spec.template.spec }]
        : [],
    );
  }

  /** Settings of a container as the pod would see them. @throws Error for a key that no ConfigMap has */
  environment(container: Container): Environment {
    return Object.fromEntries(
      (container.env ?? []).flatMap(({ name, value, valueFrom }) => {
        if (!valueFrom) return [[name, value ?? '']];
        const { name: map, key, optional } = valueFrom.configMapKeyRef;
        const found = this.get('ConfigMap', map).data?.[key];
        if (found === undefined && !optional) throw new Error(`${name}: ConfigMap ${map} has no ${key}`);
        return found === undefined ? [] : [[name, found]];
      }),
    );
  }

  /** Names of the Secrets by the folder they are mounted at. */
  secrets({ containers, volumes = [] }: PodSpec): Map<string, string[]> {
    const byVolume = new Map(
      volumes.map(({ name, projected, secret }) => [
        name,
        [...(projected?.sources ?? []).map((source) => source.secret.name), ...(secret ? [secret.secretName] : [])],
      ]),
    );
    const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
    return new Map(mounts.map(({ name, mountPath }) => [mountPath, byVolume.get(name) ?? []]));
  }
}
