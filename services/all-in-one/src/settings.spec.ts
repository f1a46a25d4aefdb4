import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, databaseSettings, ownerSettings } from '#libs/config';
import { hostSettings, processSettings } from '#libs/host';
import { jobsSettings } from '#libs/jobs';
import { transportSettings } from '#libs/messaging';
import { traceSettings } from '#libs/trace';
import { agentSettings } from '../../card-agent/src/agent.config.js';
import { stationSettings } from '../../card-agent/src/station/station.config.js';
import { readAllInOneConfig } from './all-in-one.config.js';
import { readModules, SERVICES } from './services.js';

const WRONG = 'sesame\nopen';

/** Settings that take any text. */
const ANY_TEXT = new Set(['KAIKA_TOKEN_ISSUER', 'KAIKA_AUTHORITY_DIR', 'KAIKA_CRL_DIR', 'KAIKA_OCSP_DIR', 'KAIKA_VIRTUAL_CARDS_DIR', 'KAIKA_AGENT_STATION_HOST', 'KAIKA_THROWAWAY_CLOCK_FILE', 'DATA_DIR']); // prettier-ignore

const processes: [name: string, read: (env: NodeJS.ProcessEnv) => unknown][] = [
  ...SERVICES.map(({ name, module }): (typeof processes)[number] => [name, (env) => module(env)]),
  ['card-agent', (env) => agentSettings(env, [])],
  ['all-in-one', readAllInOneConfig],
];

/** Settings that several processes spread into theirs; hotlines are many, and told apart below. */
const SPREAD: Record<string, object> = {
  databaseSettings,
  hostSettings,
  jobsSettings,
  stationSettings,
  transportSettings,
  traceSettings,
};

/** The variables that a process reads, from the text of its settings. */
function variablesOf(name: string): string[] {
  const files = [`${name}.config.ts`, `${name.replace('card-', '')}.config.ts`].map((f) => `services/${name}/src/${f}`);
  const text = readFileSync(
    files.find((file) => existsSync(file))!,
    'utf8',
  );
  const own = [...text.matchAll(/^ {2,4}([A-Z][A-Z0-9_]+): /gm)].map(([, variable]) => variable!);
  const spread = [...text.matchAll(/^ {2,4}\.\.\.(\w+Settings),$/gm)].map(([, settings]) => settings!);
  return [...own, ...spread.flatMap((settings) => Object.keys(SPREAD[settings] ?? {}))];
}

async function refusal(read: (env: NodeJS.ProcessEnv) => unknown, env: NodeJS.ProcessEnv): Promise<ConfigError> {
  const error = await (async () => read(env))().catch((caught: unknown) => caught);
  if (!(error instanceof ConfigError)) throw new Error('it would have started', { cause: error });
  return error;
}

describe.each(processes)('the settings of %s', (name, read) => {
  const variables = variablesOf(name);
  const envOf = (names: string[]) => Object.fromEntries(names.map((variable) => [variable, WRONG]));

  it('are refused with the name of every wrong variable at once, and no value', async () => {
    const checked = variables.filter((variable) => !ANY_TEXT.has(variable));
    if (name === 'portal') checked.push('KAIKA_HOTLINE_1', 'KAIKA_HOTLINE_20');
    const error = await refusal(read, { ...envOf(variables), ...envOf(checked) });
    expect(error.problems.map(({ variable }) => variable)).toEqual(expect.arrayContaining(checked));
    expect(checked.length).toBeGreaterThan(1);
    expect(error.message).not.toContain('sesame');
  });

  it('are refused with the name of every missing variable at once', async () => {
    if (name === 'portal' || name === 'all-in-one') return; // all of theirs have defaults
    const { problems } = await refusal(read, {});
    expect(problems.every(({ variable, problem }) => variables.includes(variable) && problem === 'is not set')).toBe(true); // prettier-ignore
    const without = await refusal(read, { [problems[0]!.variable]: '' });
    expect(without.problems).toEqual(problems);
  });
});

describe('docs/OPERATIONS.md', () => {
  const page = readFileSync('docs/OPERATIONS.md', 'utf8');

  it.each(processes)('names every setting of %s', (name) => {
    expect(variablesOf(name).filter((variable) => !page.includes(`\`${variable}\``))).toEqual([]);
  });

  it('names every setting of a service that is a process of its own', () => {
    const variables = Object.keys({ ...hostSettings, ...processSettings, ...databaseSettings, ...ownerSettings });
    expect(variables.filter((variable) => !page.includes(`\`${variable}\``))).toEqual([]);
  });

  it('names every figure, and none that is not', () => {
    const sources = ['libs', 'services'].flatMap((dir) =>
      readdirSync(dir, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !file.endsWith('spec.ts'))
        .map((file) => readFileSync(`${dir}/${file}`, 'utf8')),
    );
    const figures = sources.flatMap((text) =>
      [...text.matchAll(/(?:counter|gauge|histogram)\(\s*'(kaika_\w+)'/g)].map(([, figure]) => figure!),
    );
    const named = [...page.matchAll(/`(kaika_\w+)/g)].map(([, figure]) => figure!);
    expect([...new Set(named)].sort()).toEqual([...new Set(figures)].sort());
  });
});

describe('the embedded default', () => {
  it('names what is wrong in the settings of several services at once', async () => {
    const env = { KAIKA_CRL_OVERLAP_SECONDS: '5', KAIKA_ACCEPTANCE_DEADLINE_DAYS: 'x', KAIKA_HOTLINE_3: WRONG };
    const { problems } = await refusal(async (all) => readModules(() => all), env);
    expect(problems.map(({ variable }) => variable)).toEqual(expect.arrayContaining(Object.keys(env)));
    expect(problems.filter(({ variable }) => variable === 'DATABASE_URL')).toHaveLength(1);
  });

  it('refuses production, other addresses and a clock for what is not thrown away', async () => {
    const env = { NODE_ENV: 'production', HOST: '0.0.0.0', KAIKA_THROWAWAY_START: '2026-01-01T00:00:00Z' };
    const { problems } = await refusal(readAllInOneConfig, env);
    expect(problems.map(({ variable }) => variable)).toEqual(['NODE_ENV', 'HOST', 'KAIKA_THROWAWAY_START']);
  });
});
