import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { hotlinesOf, hotlineSettings } from './hotlines.js';
import { ConfigError, flag, httpUrl, port, readConfig, seconds } from './read-config.js';

const schema = z.object({
  PORT: port().default(8080),
  KAIKA_OVERLAP_SECONDS: seconds(60),
  KAIKA_URL: httpUrl(),
  KAIKA_VIRTUAL: flag().default(false),
});

describe('readConfig', () => {
  it('reads, converts and fills in defaults; an empty variable counts as not set', () => {
    const env = { PORT: '', KAIKA_OVERLAP_SECONDS: '600', KAIKA_URL: 'http://localhost:1/', KAIKA_VIRTUAL: 'true' };
    expect(readConfig(schema, env)).toEqual({
      PORT: 8080,
      KAIKA_OVERLAP_SECONDS: 600,
      KAIKA_URL: 'http://localhost:1',
      KAIKA_VIRTUAL: true,
    });
  });

  it('names every wrong variable at once and never a value', () => {
    const env = { PORT: 'sesame', KAIKA_OVERLAP_SECONDS: '5', KAIKA_VIRTUAL: 'sesame' };
    let error: unknown;
    try {
      readConfig(schema, env);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ConfigError);
    const { problems, message } = error as ConfigError;
    expect(problems.map((p) => p.variable).sort()).toEqual([
      'KAIKA_OVERLAP_SECONDS',
      'KAIKA_URL',
      'KAIKA_VIRTUAL',
      'PORT',
    ]);
    expect(message).toContain('KAIKA_URL: is not set');
    expect(message).toMatch(/ PORT: (?!is not set)/);
    expect(message).not.toContain('sesame');
  });
});

describe('hotlines', () => {
  const settings = z.object({ PORT: port().default(1), ...hotlineSettings });

  it('come in the order of their numbers, not of the environment', () => {
    const env = { KAIKA_HOTLINE_10: 'South = 07-2', KAIKA_HOTLINE_2: 'North=02-1', KAIKA_HOTLINE_3: '' };
    expect(hotlinesOf(readConfig(settings, env))).toEqual([
      { where: 'North', number: '02-1' },
      { where: 'South', number: '07-2' },
    ]);
    expect(hotlinesOf(readConfig(settings, {}))).toEqual([]);
  });

  it('of another form stop the start, with every other wrong setting', () => {
    const env = { PORT: 'x', KAIKA_HOTLINE_1: '02-1', KAIKA_HOTLINE_4: `a=${'1'.repeat(41)}` };
    expect(() => readConfig(settings, env)).toThrow(/PORT[^]*KAIKA_HOTLINE_1[^]*KAIKA_HOTLINE_4/);
  });
});
