import { beforeAll, expect, it } from '@jest/globals';
import { askUntil } from '../demo/http.js';
import type { Instance } from '../demo/instance.js';
import { itemsOf } from '../demo/world.js';
import { badBodies } from './bad-bodies.js';
import { type Endpoint, endpoints, filled, sample, SECRETS } from './contract.js';

interface Problem {
  type: string;
  status: number;
  errors?: { at: string; problem: string }[];
}

/** Field by field it is the same code in both profiles; what differs, the edge, sees all forms, paths and queries. */
const EVERY = { embedded: 1, distributed: 5 };

/**
 * Suite: every field, path and query of the API, wrong in every way.
 *
 * @param instance  that logs all it has to say: its output is looked through for secrets
 */
export function badInput(instance: Instance): void {
  let all: Endpoint[] = [];
  const authorization = { people: '', services: '' };
  let takers: Endpoint[] = [];

  beforeAll(async () => {
    const { url } = instance.address;
    authorization.people = await instance.authorization('anyone');
    authorization.services = await instance.authorization(['service']);
    all = await endpoints(url);
    takers = all.filter((endpoint) => endpoint.body);
    const lists = await askUntil((answer) => itemsOf(answer).length > 0, 'GET', `${url}/api/v1/crls`);
    if (itemsOf(lists).length === 0) throw new Error(`the first list did not come:\n${instance.output}`);
  }, 120_000);

  const of = (allow: Endpoint['allow']) => authorization[String(allow) === 'service' ? 'services' : 'people'];

  const chosen = (_bad: unknown, nth: number) => nth % EVERY[instance.profile.name] === 0;

  /** One request. @returns what is wrong with the answer, whatever was asked; and the answer */
  async function send(
    { method, allow }: Endpoint,
    path: string,
    body?: string | Uint8Array,
    type = 'application/json',
  ) {
    const response = await fetch(instance.address.url + path, {
      method,
      headers: { authorization: of(allow), ...(body !== undefined && type && { 'content-type': type }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : Buffer.from(body) }),
    });
    const text = await response.text();
    const isProblem = /^application\/problem\+json/.test(response.headers.get('content-type') ?? '');
    const problem = isProblem ? (JSON.parse(text) as Problem) : undefined;
    const faults = [
      response.status >= 500 && `is a ${response.status}: ${text.slice(0, 300)}`,
      response.status >= 400 && problem?.status !== response.status && `is no problem document: ${text.slice(0, 100)}`,
      Object.values(SECRETS).some((secret) => text.includes(secret)) && 'repeats a secret',
    ].filter((fault) => fault !== false);
    return { status: response.status, named: problem?.errors?.map((error) => error.at) ?? [], faults };
  }

  /**
   * Everything there is to read without naming it: what a refused request may not have changed. But for the time, and for the one
   * alarm which a busy machine raises and clears by itself.
   */
  async function everything(): Promise<Record<string, unknown>> {
    const lists = all.filter(
      ({ method, path, params }) =>
        method === 'GET' && params.length === 0 && path.startsWith('/api/v1/') && path !== '/api/v1/crls/next',
    );
    const bySelf = (_key: string, value: unknown): unknown =>
      Array.isArray(value)
        ? value.filter((one) => (one as { alarm?: string } | null)?.alarm !== 'jobQueueUnreachable')
        : value;
    const seen: Record<string, unknown> = {};
    for (const { path, allow } of lists) {
      const response = await fetch(instance.address.url + path, { headers: { authorization: of(allow) } });
      seen[path] = { status: response.status, body: JSON.parse(await response.text(), bySelf) as unknown };
    }
    return seen;
  }

  it('is refused in every field of every body by the name of the field, and nothing changes', async () => {
    expect(takers.length).toBeGreaterThan(25);
    const before = await everything();
    const findings: string[] = [];
    let sent = 0;
    for (const endpoint of takers) {
      for (const { what, at, json } of badBodies(endpoint.body!)
        .filter((bad) => !bad.free)
        .filter(chosen)) {
        const { status, named, faults } = await send(endpoint, filled(endpoint), JSON.stringify(json));
        if (status !== 400) faults.push(`answers ${status}, not 400`);
        else if (!named.some((name) => name === at || (name === '/keys/0' && at.startsWith(name))))
          faults.push(`names ${named.join(', ') || 'nothing'}`);
        findings.push(...faults.map((fault) => `${endpoint.method} ${endpoint.path}, ${at} ${what}: ${fault}`));
        sent += 1;
      }
    }
    expect(findings).toEqual([]);
    expect(sent).toBeGreaterThan(1_000 / EVERY[instance.profile.name]);
    expect(await everything()).toEqual(before);
  }, 60_000);

  it('of no form at all is refused at every endpoint: huge, deep, broken, empty, of another type', async () => {
    const before = await everything();
    const huge = Buffer.alloc(10_000_000, '[');
    const bodies: [string, number[], string | Uint8Array, string?][] = [
      ['10 MB', [413], huge],
      ['2,000 arrays deep', [400], `${'['.repeat(2_000)}${']'.repeat(2_000)}`],
      ['2,000 objects deep', [400], `${'{"unheard-of":'.repeat(2_000)}1${'}'.repeat(2_000)}`],
      ['broken', [400], '{"userCode":"qZ7%mark"'],
      ['not UTF-8', [400], Buffer.from('{"\xff\xfe":"\xff"}', 'latin1')],
      ['a text', [400], '"qZ7%mark"'],
      ['null', [400], 'null'],
      ['an array', [400], '[]'],
      ['empty', [400, 404, 415], ''], // as good as {} where nothing is asked for
      ['text/plain', [415], '{}', 'text/plain'],
      ['a form', [415], 'userCode=qZ7%25mark', 'application/x-www-form-urlencoded'],
      ['of no type', [415], Buffer.from('{}'), ''],
      ['of another character set', [415], '{}', 'application/json; charset=big5'],
    ];
    const findings: string[] = [];
    for (const endpoint of takers) {
      const { method, path } = endpoint;
      for (const [what, statuses, body, type] of bodies) {
        const { status, faults } = await send(endpoint, filled(endpoint), body, type);
        if (!statuses.includes(status)) faults.push(`answers ${status}, not ${statuses.join(' or ')}`);
        findings.push(...faults.map((fault) => `${method} ${path}, a body ${what}: ${fault}`));
      }
    }
    expect(findings).toEqual([]);
    expect(await everything()).toEqual(before);
  }, 60_000);

  it('in a path is refused by the name of the parameter, or not found', async () => {
    const before = await everything();
    const bad = {
      '33 digits': 'A'.repeat(33),
      'full-width digits': '%EF%BC%91%EF%BC%92',
      'a zero octet': '%00',
      'an apostrophe': '%27',
      'a way out': '..%2f..%2f..%2fetc%2fpasswd',
      'a script': '%3Cscript%3Ealert(1)%3C%2Fscript%3E',
      'cut UTF-8': '%E0%A4%A',
      'very long': 'A'.repeat(8_000),
    };
    const findings: string[] = [];
    for (const endpoint of all) {
      const body = endpoint.body && JSON.stringify({ 'unheard-of': 1 });
      for (const { name } of endpoint.params) {
        for (const [what, value] of Object.entries(bad)) {
          const { status, named, faults } = await send(endpoint, filled(endpoint, { [name]: value }), body);
          if (status !== 400 && status !== 404) faults.push(`answers ${status}`);
          const isName = name === 'office' && what === '33 digits';
          if (named.length > 0 && !named.includes(`path:${name}`) && !isName) faults.push(`names ${named.join(', ')}`);
          findings.push(...faults.map((fault) => `${endpoint.method} ${endpoint.path}, ${name} ${what}: ${fault}`));
        }
      }
    }
    expect(findings).toEqual([]);
    expect(await everything()).toEqual(before);
  }, 60_000);

  it('in a query is refused by the name of the parameter', async () => {
    const findings: string[] = [];
    for (const endpoint of all.filter(({ query }) => query.length > 0)) {
      const asked = async (query: string, name: string) => {
        const { status, named, faults } = await send(endpoint, `${filled(endpoint)}?${query}`);
        if (status !== 400) faults.push(`answers ${status}`);
        else if (!named.includes(`query:${name}`)) faults.push(`names ${named.join(', ')}`);
        findings.push(...faults.map((fault) => `${endpoint.method} ${endpoint.path}?${query.slice(0, 40)}: ${fault}`));
      };
      await asked('unheard-of=1', 'unheard-of');
      for (const { name, schema } of endpoint.query) {
        const good = encodeURIComponent(String(sample(schema, name)));
        await asked(`${name}=${good}&${name}=${good}`, name);
        await asked(`${name}=%00`, name);
        await asked(`${name}=${'A'.repeat(5_000)}`, name);
        if (schema.type === 'integer')
          for (const value of ['x', '-1', '1.5', '%EF%BC%91', '1e99']) await asked(`${name}=${value}`, name);
        else if (!name.startsWith('name'))
          for (const value of ['%3Cx', '%27', '%EF%BC%91', 'A'.repeat(33)]) await asked(`${name}=${value}`, name);
      }
    }
    expect(findings).toEqual([]);
  }, 60_000);

  it('that a person may have meant is taken as it is, or refused: never more than text', async () => {
    const findings: string[] = [];
    for (const endpoint of takers) {
      const good = await send(endpoint, filled(endpoint), JSON.stringify(sample(endpoint.body!)));
      if (good.status === 400 && !good.named.join().startsWith('header:'))
        findings.push(`${endpoint.method} ${endpoint.path}: ${good.named.join()} was good`);
      for (const { what, at, json } of badBodies(endpoint.body!)
        .filter((bad) => bad.free)
        .filter(chosen)) {
        const { faults } = await send(endpoint, filled(endpoint), JSON.stringify(json));
        findings.push(...faults.map((fault) => `${endpoint.method} ${endpoint.path}, ${at} ${what}: ${fault}`));
      }
    }
    expect(findings).toEqual([]);
  }, 60_000);

  it('leaves no secret in the log, and the instance in health', async () => {
    expect(instance.output.length).toBeGreaterThan(0);
    for (const secret of Object.values(SECRETS)) expect(instance.output).not.toContain(secret);
    expect((await fetch(`${instance.address.url}/healthz`)).status).toBe(200);
  });
}
