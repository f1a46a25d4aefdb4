import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenAPIObject } from '@nestjs/swagger';
import { systemClock } from '#libs/clock';
import { describeService } from '#libs/host';
import { ceremony } from '#libs/pki';
import { ensureKeys } from '../../services/all-in-one/src/keys.js';
import { readModules } from '../../services/all-in-one/src/services.js';

/** What the portal serves at `/api/openapi.json`, and what the edge's route table is made from. */
export const API_DOCUMENT = 'docs/openapi.json';

/** What the services say of themselves, as one document: each operation under its service's tag. No database is needed. */
export async function apiDocument(): Promise<OpenAPIObject> {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-openapi-'));
  try {
    const described: { name: string; document: OpenAPIObject }[] = [];
    for (const { name, module } of await readModules(await settings(dir))) {
      described.push({ name, document: await describeService(name, module) });
    }
    return merged(described);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export const textOf = (document: OpenAPIObject): string => `${JSON.stringify(document, null, 2)}\n`;

function merged(described: { name: string; document: OpenAPIObject }[]): OpenAPIObject {
  const all: OpenAPIObject = {
    openapi: '3.0.0',
    info: { title: 'kaika', version: '1', description: 'Every service of kaika. Not affiliated with MOEACA.' },
    tags: [],
    paths: {},
    components: { schemas: {}, securitySchemes: {} },
  };
  for (const { name, document } of described) {
    all.tags!.push({ name });
    for (const [path, item] of Object.entries(document.paths)) {
      const operations = Object.entries(item as Record<string, object>).map(([method, operation]) => [
        method,
        { ...operation, tags: [name] },
      ]);
      all.paths[path] = { ...all.paths[path], ...(Object.fromEntries(operations) as object) };
    }
    Object.assign(all.components!.schemas!, document.components?.schemas);
    Object.assign(all.components!.securitySchemes!, document.components?.securitySchemes);
  }
  return all;
}

/** Settings with which the services could start, with keys for this once: they are read, and nothing is connected. */
async function settings(dir: string): Promise<(service: string) => NodeJS.ProcessEnv> {
  const keys = await ensureKeys(dir);
  const authority = join(dir, 'authority');
  const kinds = { root: 'p-384', issuing: 'p-384', card: 'p-256' } as const;
  await ceremony({ dir: authority, publicUrl: 'http://ca.example', clock: systemClock(), keys: kinds, log: () => {} });
  const nowhere = 'postgres://nobody@127.0.0.1:1/nowhere';
  return (service) => ({
    ...keys.env,
    DATABASE_URL: nowhere,
    KAIKA_BUS_URL: nowhere,
    KAIKA_JOBS_URL: nowhere,
    KAIKA_SUSPENSION_URL: 'http://127.0.0.1:1',
    KAIKA_ISSUANCE_URL: 'http://127.0.0.1:1',
    KAIKA_PORTAL_ORIGINS: 'http://127.0.0.1:1',
    KAIKA_AUTHORITY_DIR: authority,
    KAIKA_VIRTUAL_CARDS_DIR: join(dir, 'virtual-cards'),
    KAIKA_CRL_DIR: join(dir, 'crl'),
    KAIKA_OCSP_DIR: join(dir, 'ocsp'),
    KAIKA_CREDENTIAL_KEY_FILE: join(keys.dir, `${service}.jwk`),
    KAIKA_SERVICE_KEY_FILE: join(keys.dir, `${service}-token.jwk`),
  });
}
