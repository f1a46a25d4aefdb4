import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ConfigError, openConfig } from '#libs/config';
import { transportOf, transportSettings } from './transport-settings.js';

const dir = mkdtempSync(join(tmpdir(), 'kaika-transport-'));
const file = (name: string) => join(dir, name);
const read = async (env: NodeJS.ProcessEnv) => transportOf(await openConfig(z.object(transportSettings), env));
const refused = async (env: NodeJS.ProcessEnv) => {
  const error = await read(env).catch((caught: unknown) => caught);
  if (!(error instanceof ConfigError)) throw new Error('it was taken', { cause: error });
  return error.problems.map(({ variable }) => variable).sort();
};

const bus = { KAIKA_BUS_URL: 'postgres://u@h/d' };
const kafka = { KAFKA_BROKERS: 'a.example:9092, [::1]:9093' };
const named = { KAIKA_KAFKA_USERNAME: 'issuance', KAIKA_KAFKA_PASSWORD_FILE: file('password') };

beforeAll(() => {
  writeFileSync(file('password'), 'a secret\n');
  writeFileSync(file('ca'), '-----BEGIN CERTIFICATE-----');
  writeFileSync(file('empty'), '\n');
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the settings of the transport', () => {
  it('are the embedded log or Kafka, with a name and TLS where they are set', async () => {
    expect(await read(bus)).toEqual({ kind: 'embedded', busUrl: 'postgres://u@h/d' });
    const brokers = ['a.example:9092', '[::1]:9093'];
    expect(await read(kafka)).toEqual({ kind: 'kafka', brokers });
    expect(await read({ ...kafka, ...named, KAIKA_KAFKA_CA_FILE: file('ca') })).toEqual({
      ...{ kind: 'kafka', brokers },
      sasl: { mechanism: 'scram-sha-512', username: 'issuance', password: 'a secret' },
      tls: { ca: '-----BEGIN CERTIFICATE-----' },
    });
    const plain = await read({ ...kafka, ...named, KAIKA_KAFKA_MECHANISM: 'plain' });
    expect(plain).toMatchObject({ sasl: { mechanism: 'plain' } });
  });

  it('are refused by both names unless exactly one is set', async () => {
    const both = ['KAFKA_BROKERS', 'KAIKA_BUS_URL'];
    expect(await refused({})).toEqual(both);
    expect(await refused({ KAFKA_BROKERS: '', KAIKA_BUS_URL: '' })).toEqual(both);
    expect(await refused({ ...bus, ...kafka })).toEqual(both);
  });

  it('are refused with brokers that are none, a name without a password, an empty secret', async () => {
    for (const brokers of ['a', 'a:b', 'a:1,', 'http://a:1', 'a:1 b:2']) {
      expect(await refused({ KAFKA_BROKERS: brokers })).toEqual(['KAFKA_BROKERS']);
    }
    expect(await refused({ ...kafka, KAIKA_KAFKA_USERNAME: 'x' })).toEqual(['KAIKA_KAFKA_PASSWORD_FILE']);
    expect(await refused({ ...kafka, ...named, KAIKA_KAFKA_USERNAME: '' })).toEqual(['KAIKA_KAFKA_USERNAME']);
    for (const wrong of [file('empty'), file('nowhere')]) {
      const env = { ...kafka, ...named, KAIKA_KAFKA_PASSWORD_FILE: wrong, KAIKA_KAFKA_CA_FILE: wrong };
      expect(await refused(env)).toEqual(['KAIKA_KAFKA_CA_FILE', 'KAIKA_KAFKA_PASSWORD_FILE']);
    }
  });
});
