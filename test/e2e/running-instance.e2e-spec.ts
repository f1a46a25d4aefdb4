import { afterAll, beforeAll, describe } from '@jest/globals';
import { Collector } from '../../libs/trace/test/collector.js';
import { badInput } from './bad-input.js';
import { badInputRules } from './bad-input-rules.js';
import { doors } from './doors.js';
import { onBothProfiles } from './on-both-profiles.js';
import { runningInstance } from './running-instance.js';
import { oneTrace } from './trace.js';

/** What can share an instance shares it: starting one takes longer than asking. */
onBothProfiles('a running instance', (profile) => {
  const collector = new Collector();
  const env: NodeJS.ProcessEnv = { ...profile.env, KAIKA_LOG_LEVEL: 'debug' };
  beforeAll(async () => {
    env['OTEL_EXPORTER_OTLP_ENDPOINT'] = await collector.listen();
  });
  const instance = runningInstance({ ...profile, env });
  afterAll(() => collector.close());

  describe('and the rules of the field', () => badInputRules(instance));
  describe('and its doors', () => doors(instance));
  describe('and bad input', () => badInput(instance));
  describe('and one trace', () => oneTrace(instance, collector));
});
