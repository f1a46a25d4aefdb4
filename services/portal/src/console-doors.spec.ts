import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { DOORS, letsIn } from './console-doors.js';

type Document = { paths: Record<string, Record<string, { 'x-kaika-allow': string | string[] }>> };

describe('what the console knows of the doors', () => {
  const { paths } = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as Document;

  it.each(Object.entries(DOORS))('%s is what the API document says', (door, roles) => {
    const [method, path] = door.split(' ') as [string, string];
    expect(paths[path]?.[method.toLowerCase()]?.['x-kaika-allow']).toEqual(roles);
  });

  it('lets in who has one of the roles', () => {
    expect(letsIn('POST /api/v1/cards/{n}/hold', ['auditor', 'ca-officer'])).toBe(true);
    expect(letsIn('POST /api/v1/cards/{n}/hold', ['auditor'])).toBe(false);
    expect(letsIn('POST /api/v1/cards/{n}/hold', [])).toBe(false);
  });
});
