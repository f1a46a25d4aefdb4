import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Client } from 'pg';
import { withTestDatabase } from '#libs/database';
import { changeDigest } from '#libs/events';
import { newSerial, type CaCertificate, type Signer } from '#libs/pki';
import type { Draft, ListRun } from './list-run.js';
import { newCard } from './owner.fixture.js';
import { MIDNIGHTS, PublisherFixture, setClock } from './publisher.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
beforeAll(() => at.start(), 120_000);
beforeEach(() => at.reset());
afterAll(() => at.stop());

const [TONIGHT, NEXT] = MIDNIGHTS;
type Runner = ReturnType<PublisherFixture['runner']>;

const published = ({ lists }: Runner) => lists.page(at.issuer.skiHex, 100);
const numbersDrawn = async () => (await at.service.source.query<{ number: string }[]>('select number from attempt order by number')).map(({ number }) => BigInt(number)); // prettier-ignore
const events = async () => (await at.service.source.query<{ n: number }[]>('select count(*)::int as n from outbox'))[0]!.n; // prettier-ignore

/** The first list is out, a card is suspended, and it is midnight. */
async function midnight(runner: Runner): Promise<void> {
  expect(await runner.run.perform()).toBe('published');
  at.owner.suspend(newCard());
  setClock(at.clock, TONIGHT);
}

const STEPS = ['awaitMarker', 'start', 'build', 'check', 'passGate', 'publish'] as const;

/** Kills the process before or after a step: nothing that would follow happens, the run's end is not noted either. */
function killAt({ run, runs }: Runner, step: (typeof STEPS)[number], when: 'before' | 'after'): void {
  const original = (run[step] as (...args: unknown[]) => Promise<unknown>).bind(run);
  jest.spyOn(run as unknown as Record<string, () => Promise<unknown>>, step).mockImplementation(async (...args: unknown[]) => {
    if (when === 'after') await original(...args);
    throw new Error('killed');
  }); // prettier-ignore
  const { end } = runs;
  jest.spyOn(runs, 'end').mockImplementation(async (tx, attempt, outcome, problem) => {
    if (outcome === 'published') await end.call(runs, tx, attempt, outcome, problem);
  });
}

describe('a run that is killed', () => {
  for (const step of STEPS) {
    for (const when of ['before', 'after'] as const) {
      it(`${when} ${step} is taken up again: one list, a higher number, nothing unverified`, async () => {
        const victim = at.runner();
        await midnight(victim);
        killAt(victim, step, when);
        await victim.run.perform().catch(() => undefined);
        const done = step === 'publish' && when === 'after';

        const survivor = at.runner();
        await survivor.files.sweep(at.issuer.skiHex);
        expect(await survivor.run.perform()).toBe(done ? 'idle' : 'published');
        expect(await survivor.run.perform()).toBe('idle');
        const all = await published(survivor);
        expect(all.map(({ cut }) => cut)).toEqual([TONIGHT, expect.any(Date)]);
        expect(all[0]!.number).toBeGreaterThan(all[1]!.number);
        expect(await numbersDrawn()).toContain(all[0]!.number);
        expect(new Set(await numbersDrawn()).size).toBe((await numbersDrawn()).length);
        expect(await events()).toBe(2);
        await survivor.files.reconcile(at.issuer);
        expect(survivor.files.served(at.issuer.skiHex)?.number).toBe(all[0]!.number);
        expect(await at.entries(survivor.files.path(all[0]!))).toEqual(at.owner.listBelow(2));
      });
    }
  }
});

describe('two runs at once', () => {
  it('of one process each: one publishes, the other finds it busy or done', async () => {
    const runners = [at.runner(), at.runner(), at.runner()];
    await midnight(runners[0]!);
    const outcomes = await Promise.all(runners.map(({ run }) => run.perform()));
    expect(outcomes.filter((outcome) => outcome === 'published')).toHaveLength(1);
    expect(outcomes.every((outcome) => ['published', 'busy', 'idle'].includes(outcome))).toBe(true);
    expect(await published(runners[0]!)).toHaveLength(2);
  });

  it('when a paused one has lost its lock: the later one publishes, the paused one ends superseded', async () => {
    const [paused, other] = [at.runner(), at.runner()];
    await midnight(paused);
    const { reached, go } = pauseBefore(paused.run, 'publish');
    const first = paused.run.perform();
    await reached;
    await loseLocks();
    expect(await other.run.perform()).toBe('published');
    go();
    expect(await first).toBe('superseded');
    expect((await published(other)).map(({ number }) => number)).toEqual([3n, 1n]);
    expect(await at.service.source.query('select number, outcome from attempt order by number')).toEqual([
      { number: '1', outcome: 'published' },
      { number: '2', outcome: 'superseded' },
      { number: '3', outcome: 'published' },
    ]);
    expect(await events()).toBe(2);
  });

  it('when the next midnight came meanwhile: the older list is never published after the newer', async () => {
    const [paused, other] = [at.runner(), at.runner()];
    await midnight(paused);
    const { reached, go } = pauseBefore(paused.run, 'publish');
    const first = paused.run.perform();
    await reached;
    await loseLocks();
    setClock(at.clock, NEXT);
    expect(await other.run.perform()).toBe('published');
    go();
    expect(await first).toBe('superseded');
    expect((await published(other)).map(({ cut }) => cut)).toEqual([NEXT, expect.any(Date)]);
  });
});

describe('a clock that was wrong', () => {
  const DAY_MS = 86_400_000;

  it('and ahead by days for one look costs no list, neither the next nor the one that was due', async () => {
    const runner = at.runner();
    await midnight(runner);
    const [, , third, fourth] = MIDNIGHTS;
    for (const due of [TONIGHT, NEXT, third]) {
      at.owner.unreachable = true;
      for (const now of [due, new Date(due.getTime() + 3 * DAY_MS)]) {
        setClock(at.clock, now);
        await expect(runner.run.perform()).rejects.toThrow('no answer');
      }
      at.owner.unreachable = false;
      expect(await at.publishAt(runner, new Date(due.getTime() + 3_600_000))).toMatchObject({ cut: due });
      expect(await runner.run.perform()).toBe('idle');
    }
    expect(await at.publishAt(runner, fourth)).toMatchObject({ cut: fourth, number: 5n });
  });
});

describe('bytes that are not what they should be', () => {
  it('are never published, wherever one octet is wrong', async () => {
    const runner = at.runner();
    await midnight(runner);
    const { build } = runner.run;
    let position = 0;
    const spy = jest.spyOn(runner.run, 'build').mockImplementation(async (...args) => {
      const draft = await build.apply(runner.run, args);
      const bytes = await readFile(draft.file);
      bytes[position % bytes.length]! ^= 1 << (position % 8);
      await writeFile(draft.file, bytes);
      return draft;
    });
    for (; position < 800; position += 23) expect(['failed', 'held']).toContain(await runner.run.perform());
    expect(await published(runner)).toHaveLength(1);
    spy.mockRestore();
    expect(await runner.run.perform()).toBe('published');
    const [list] = await published(runner);
    expect(list!.number).toBe(BigInt((await numbersDrawn()).length));
  });

  it('are never published when the signer signs something else', async () => {
    const lying: CaCertificate = { ...at.issuer, signer: async () => otherSignature(await at.issuer.signer()) };
    const runner = at.runner(lying);
    expect(await runner.run.perform()).toBe('failed');
    expect(runner.alarms.counts.get('runFailed')).toBe(1);
    expect(await published(runner)).toEqual([]);
    expect(await at.runner().run.perform()).toBe('published');
  });

  it('are not made of an entry that may not be listed; the next attempt finds everything free', async () => {
    const runner = at.runner();
    await midnight(runner);
    await runner.feed.catchUp(1);
    const move = (date: string) => at.asOwner('update listing set revocation_date = $1', [date]);
    await move('2026-01-20T00:00:00Z'); // later than thisUpdate
    expect(await runner.run.perform()).toBe('failed');
    await move('2026-01-10T01:00:00Z');
    expect(await runner.run.perform()).toBe('published');
  });

  it('are not published when the file is another one after the check', async () => {
    const runner = at.runner();
    await midnight(runner);
    const { publish } = runner.run;
    jest.spyOn(runner.run, 'publish').mockImplementationOnce(async (draft: Draft) => {
      await writeFile(draft.file, 'something else');
      await publish.call(runner.run, draft);
    });
    expect(await runner.run.perform()).toBe('failed');
    expect(await published(runner)).toHaveLength(1);
    expect(await at.service.source.query('select number from published_part')).toHaveLength(1);
    expect(await runner.run.perform()).toBe('published');
  });
});

describe('a list that differs from the log', () => {
  it('is held when its entries are not those the owner counts, and published once they are', async () => {
    const runner = at.runner();
    await midnight(runner);
    await runner.feed.catchUp(1);
    const stolen = `delete from listing where ctid = (select ctid from listing limit 1) returning *`;
    const [row] = await at.asOwner(stolen);
    expect(await runner.run.perform()).toBe('held');
    expect(await runner.run.perform()).toBe('held');
    expect(runner.alarms.counts.get('runHeld')).toBe(2);
    expect(await published(runner)).toHaveLength(1);
    await at.asOwner('insert into listing select * from jsonb_populate_record(null::listing, $1)', [
      { ...row, serial: `\\x${(row!['serial'] as Buffer).toString('hex')}` },
    ]);
    expect(await runner.run.perform()).toBe('published');
  });

  it('is held when an entry goes that no row of the log took away, though the owner agrees', async () => {
    const runner = at.runner();
    await midnight(runner);
    expect(await runner.run.perform()).toBe('published');
    await at.asOwner('delete from listing');
    at.owner.forget(at.owner.rows[0]!);
    setClock(at.clock, NEXT);
    expect(await runner.run.perform()).toBe('held');
    const [{ problem }] = await at.service.source.query<[{ problem: string }]>(`select problem from attempt where outcome = 'held'`); // prettier-ignore
    expect(problem).toBe('2 entries gone and 0 changed without a reason');
    expect((await runner.lists.highest(at.issuer.skiHex))?.cut).toEqual(TONIGHT);
  });

  it('is published and alarmed when it only says too much', async () => {
    const runner = at.runner();
    await midnight(runner);
    await runner.feed.catchUp(1);
    const serial = newSerial();
    await at.asOwner(
      `insert into listing (issuer_ski, serial, from_seq, revocation_date, reason, card_number, not_after)
       values ($1, decode($2, 'hex'), 1, '2026-01-10T01:00:00Z', 6, 'KK00000000000000', '2031-01-01')`,
      [at.issuer.skiHex, serial],
    );
    at.owner.overstate = (list) => ({
      ...list,
      count: list.count + 1,
      digest: changeDigest(list.digest, 1, serial, 'certificateHold'),
    });
    expect(await runner.run.perform()).toBe('published');
    expect(runner.alarms.counts.get('unexplainedAddition')).toBe(1);
    expect((await published(runner))[0]!.entryCount).toBe(3);
  });

  it('is not even begun when the owner’s answer is not the row in its log', async () => {
    const runner = at.runner();
    await midnight(runner);
    at.owner.lie = (row) => ({ ...row, hash: 'f'.repeat(64) });
    await expect(runner.run.perform()).rejects.toThrow('is not the marker its owner says');
    expect(await numbersDrawn()).toEqual([1n]);
  });
});

describe('what was published', () => {
  it('cannot be changed or removed by the service itself', async () => {
    const { run } = at.runner();
    await run.perform();
    for (const sql of [
      'update published_list set number = 7',
      'delete from published_list',
      `update published_part set bytes = ''`,
      'delete from published_part',
      'truncate published_part',
    ]) {
      await expect(at.service.source.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
  });
});

/** Ends every database session that holds an advisory lock, as when its process is cut off. */
async function loseLocks(): Promise<void> {
  const admin = new Client({ connectionString: database.url });
  await admin.connect();
  const held = `select pid from pg_locks where locktype = 'advisory'`;
  const count = async () => (await admin.query(`select pg_terminate_backend(pid) from (${held}) as l`)).rowCount;
  while (await count()) continue;
  await admin.end();
}

function pauseBefore(run: ListRun, step: 'publish'): { reached: Promise<void>; go: () => void } {
  const original = run[step].bind(run);
  let go!: () => void;
  const gate = new Promise<void>((resolve) => (go = resolve));
  const reached = new Promise<void>((resolve) => {
    jest.spyOn(run, step).mockImplementationOnce(async (draft) => {
      resolve();
      await gate;
      return original(draft);
    });
  });
  return { reached, go };
}

function otherSignature(signer: Signer): Signer {
  return {
    algorithm: signer.algorithm,
    publicKey: signer.publicKey,
    sign: (tbs) => signer.sign(tbs),
    begin: () => {
      const stream = signer.begin();
      stream.update(Buffer.from('not the list'));
      return stream;
    },
  };
}
