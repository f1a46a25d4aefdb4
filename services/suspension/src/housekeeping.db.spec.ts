import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { AttemptStore } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { createLogger, Housekeeping } from '#libs/host';
import { Idempotency } from '#libs/idempotency';
import { Bench, CODE } from './suspension.fixture.js';

const NOW = new Date('2026-08-21T15:50:00Z');
const DAY_MS = 86_400_000;
const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
let bench: Bench;

beforeAll(async () => {
  bench = await Bench.open(database, join(dir, 'suspension.jwk'));
});
afterAll(() => rmSync(dir, { recursive: true }));

it('drops forgotten counters and old answers, and nothing of a card', async () => {
  await bench.moveTo(new Date(NOW.getTime() - 50 * DAY_MS));
  const card = await bench.card();
  await bench.suspend(card, CODE, 'old');
  const other = await bench.card();
  await bench.suspend(other, 'wrong-code').catch(() => {});
  await bench.moveTo(NOW);
  await bench.suspend(card, CODE, 'new');
  const attempts = new AttemptStore(bench.source, bench.clock);
  const idempotency = new Idempotency(bench.clock);
  const prunes = { attempts: () => attempts.prune(), answers: () => idempotency.prune(bench.source) };
  const housekeeping = new Housekeeping(prunes, bench.clock, createLogger('silent'));
  const rows = await bench.rows();
  const failures = `attempt where subject = '${other}'`;
  expect([await bench.count(failures), await bench.count('idempotency')]).toEqual([1, 2]);
  for (let time = 0; time < 2; time++) expect(Object.keys(await housekeeping.sweep())).toEqual(['attempts', 'answers']);
  expect(await bench.count(failures)).toBe(0);
  expect(await bench.source.query('select key from idempotency')).toEqual([{ key: 'new' }]);
  expect(await bench.rows()).toEqual(rows);
  expect(await bench.count('receipt')).toBe(1);
});
