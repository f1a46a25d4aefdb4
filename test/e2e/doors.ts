import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import { issueToken, ROLES, type Role } from '#libs/doors';
import type { Instance } from '../demo/instance.js';

/** Open to everyone (DESIGN.md §6); whatever else is in the document must ask for a token. */
const OPEN = [
  'POST /api/v1/applications',
  'GET /api/v1/applications/{case}',
  'GET /api/v1/applications/{case}/form.pdf',
  'POST /api/v1/applications/{case}/resubmission',
  'POST /api/v1/card-returns',
  'GET /api/v1/card-returns/{case}/progress',
  'GET /api/v1/card-returns/{case}/slip.pdf',
  'POST /api/v1/activations',
  'GET /api/v1/activations/{id}',
  'POST /api/v1/activations/{id}/acceptance',
  'POST /api/v1/activations/{id}/resumption',
  'POST /api/v1/activations/{id}/refusal',
  'POST /api/v1/activations/{id}/completion',
  'POST /api/v1/pin-resets',
  'GET /api/v1/pin-resets/{id}',
  'POST /api/v1/pin-resets/{id}/release',
  'POST /api/v1/pin-resets/{id}/completion',
  'POST /api/v1/lock-reports',
  'POST /api/v1/lock-reports/{id}/proof',
  'PUT /api/v1/cards/{n}/user-code',
  'POST /api/v1/user-codes',
  'POST /api/v1/user-codes/{id}/proof',
  'POST /api/v1/user-codes/{id}/completion',
  'POST /api/v1/cards/{n}/suspension',
  'POST /api/v1/cards/{n}/resumption',
  'GET /api/v1/receipts/{id}',
  'GET /api/v1/certificates',
  'GET /api/v1/certificates/{serial}.cer',
  'GET /api/v1/certificates/{serial}.pem',
  'GET /api/v1/certificates/{serial}.p7b',
  'GET /api/v1/crls',
  'GET /api/v1/crls/next',
  'GET /api/v1/site',
  'GET /api/v1/downloads',
];

interface Operation {
  method: string;
  path: string;
  allow: 'anyone' | Role[] | undefined;
}

/** Suite: who may come in where, on a running instance. */
export function doors(instance: Instance): void {
  const document = async () =>
    (await (await fetch(`${instance.address.url}/api/openapi.json`)).json()) as OpenAPIObject;
  const operations = async (): Promise<Operation[]> =>
    Object.entries((await document()).paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, { 'x-kaika-allow'?: Operation['allow'] }>).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        allow: operation['x-kaika-allow'],
      })),
    );
  const call = async ({ method, path }: Operation, token?: string) => {
    const response = await fetch(instance.address.url + path.replace(/\{[^}]+\}/g, 'x'), {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(method !== 'GET' && { 'content-type': 'application/json' }),
      },
      ...(method !== 'GET' && { body: '{}' }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  /** A person never has the role of a service, nor a service another. */
  const token = (roles: Role[]) => instance.tokenFor(roles);

  it('are declared at every endpoint, and only those on the public list are open', async () => {
    const all = await operations();
    expect(all.length).toBeGreaterThan(25);
    for (const { method, path, allow } of all) {
      expect({ method, path, declared: allow !== undefined }).toEqual({ method, path, declared: true });
      const isPublic = OPEN.includes(`${method} ${path}`) || !path.startsWith('/api/v1/');
      expect({ method, path, open: allow === 'anyone' }).toEqual({ method, path, open: isPublic });
    }
  });

  it('ask for a token, and refuse one of another role, another issuer or none', async () => {
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const forged = await issueToken(
      { kid: 'x', privateKey: stranger },
      { issuer: instance.address.issuer, subject: 'x', roles: [...ROLES], lifetimeSeconds: 60 },
    );
    for (const operation of await operations()) {
      if (operation.allow === 'anyone') {
        expect([401, 403]).not.toContain(await call(operation));
        continue;
      }
      const allow = operation.allow as Role[];
      const others = ROLES.filter((role) => !allow.includes(role) && role !== 'service');
      const seen = {
        none: await call(operation),
        forged: await call(operation, forged),
        other: await call(operation, await token(others)),
        service: allow.includes('service') ? 403 : await call(operation, await token(['service'])),
      };
      expect({ ...operation, ...seen }).toEqual({ ...operation, none: 401, forged: 401, other: 403, service: 403 });
      expect([401, 403]).not.toContain(await call(operation, await token(allow)));
    }
  });

  it('show the whole API as one document with a page to read it', async () => {
    const { paths } = await document();
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/crl/complete.crl', '/api/v1/applications', '/api/v1/cards/{n}/suspension', '/']),
    );
    const page = await fetch(`${instance.address.url}/api/docs/`);
    expect(page.status).toBe(200);
    for (const [, file] of (await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await fetch(instance.address.url + file)).status).toBe(200);
    }
  });

  it('answer unknown paths and methods with a problem', async () => {
    const missing = await fetch(`${instance.address.url}/api/v1/nothing`);
    expect(missing.status).toBe(404);
    expect(missing.headers.get('content-type')).toContain('application/problem+json');
    const wrong = await fetch(`${instance.address.url}/api/v1/crls`, { method: 'DELETE' });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET']);
  });
}
