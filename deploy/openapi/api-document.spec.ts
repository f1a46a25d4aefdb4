import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { API_DOCUMENT, apiDocument, textOf } from './api-document.js';

describe('docs/openapi.json', () => {
  it('is what the services say of themselves (else: npm run openapi)', async () => {
    const [kept, said] = [readFileSync(API_DOCUMENT, 'utf8'), textOf(await apiDocument())];
    const pathsOf = (text: string) => (JSON.parse(text) as { paths: Record<string, object> }).paths;
    const texts = (text: string) => Object.entries(pathsOf(text)).map((entry) => JSON.stringify(entry));
    const changed = texts(said).filter((entry) => !texts(kept).includes(entry));
    expect(changed.map((entry) => (JSON.parse(entry) as [string])[0])).toEqual([]);
    expect(kept === said).toBe(true);
  });

  it('has each operation under the tag of its one service, and says which path has slashes in its parameter', () => {
    const { paths } = JSON.parse(readFileSync(API_DOCUMENT, 'utf8')) as {
      paths: Record<string, Record<string, { tags?: string[]; 'x-kaika-rest'?: boolean; 'x-kaika-allow'?: unknown }>>;
    };
    const operations = Object.values(paths).flatMap((item) => Object.values(item));
    expect(operations.length).toBeGreaterThan(50);
    expect(operations.filter(({ tags }) => tags?.length !== 1)).toEqual([]);
    expect(operations.filter((operation) => operation['x-kaika-allow'] === undefined)).toEqual([]);
    expect(paths['/ocsp/{request}']?.['get']?.['x-kaika-rest']).toBe(true);
  });

  it('names every header once, whatever its capitals (RFC 9110 5.1)', () => {
    interface Operation {
      operationId: string;
      parameters?: { in: string; name: string }[];
    }
    const { paths } = JSON.parse(readFileSync(API_DOCUMENT, 'utf8')) as {
      paths: Record<string, Record<string, Operation>>;
    };
    const headersOf = ({ parameters = [] }: Operation) =>
      parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name.toLowerCase());
    const operations = Object.values(paths).flatMap((item) => Object.values(item));
    const twice = operations.filter((operation) => new Set(headersOf(operation)).size < headersOf(operation).length);
    expect(operations.filter((operation) => headersOf(operation).length > 0).length).toBeGreaterThan(10);
    expect(twice.map(({ operationId }) => operationId)).toEqual([]);
  });
});
