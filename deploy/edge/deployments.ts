import { edgeConfig } from './nginx.js';
import type { ApiDocument } from './route-table.js';

/** Ports of the services inside a deployment, those of their own defaults. */
const UPSTREAMS = {
  portal: 'portal:3000',
  issuance: 'issuance:3001',
  acceptance: 'acceptance:3002',
  suspension: 'suspension:3003',
  'status-query': 'status-query:3004',
  'crl-publisher': 'crl-publisher:3005',
};

/** Read-only root: what nginx writes is in memory; its log is the container's output. */
const IN_A_CONTAINER = { runDir: '/tmp', accessLog: '/dev/stdout', errorLog: 'stderr', workers: 2, connections: 4096 };

/** The committed configurations, by file: made by `npm run edge`, compared by a test. */
export function committedConfigs(document: ApiDocument): Record<string, string> {
  const common = { document, upstreams: UPSTREAMS, ...IN_A_CONTAINER };
  const ports = { tls: '8443', http: '8080' };
  return {
    // Docker's name server: a container that is made anew has another address, and one that is down has none.
    'deploy/edge/nginx.conf': edgeConfig({
      ...common,
      resolver: '127.0.0.11',
      listen: { ...ports, certificate: '/run/secrets/edge-certificate', key: '/run/secrets/edge-key' },
    }),
    // A Kubernetes Service keeps its address.
    'k8s/base/edge/nginx.conf': edgeConfig({
      ...common,
      listen: { ...ports, certificate: '/run/secrets/tls/tls.crt', key: '/run/secrets/tls/tls.key' },
    }),
  };
}
