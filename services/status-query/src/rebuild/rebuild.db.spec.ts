import { beforeEach, describe, expect, it } from '@jest/globals';
import { sleep } from '#libs/clock';
import type { Role } from '#libs/doors';
import { type CardStory, withStatusQuery } from '../status-query.fixture.js';
import type { Rebuild } from './rebuild.service.js';

const running = withStatusQuery();
const PATH = '/api/v1/status-query/rebuild';

async function call(method: string, role: Role = 'ca-operator'): Promise<Response> {
  const { bench } = running;
  return fetch(bench.url + PATH, { method, headers: { authorization: `Bearer ${await bench.token(role)}` } });
}

/** Returns when the rebuild that is under way has ended. */
async function ended(): Promise<Rebuild> {
  for (const started = performance.now(); ; await sleep(20)) {
    const last = (await (await call('GET')).json()) as Rebuild;
    if (last.state !== 'running') return last;
    if (performance.now() - started > 20_000) throw new Error('the rebuild does not end');
  }
}

async function rebuild(): Promise<Rebuild> {
  const response = await call('POST');
  expect(response.status).toBe(202);
  return ended();
}

/** Everything that is read. */
const model = () =>
  running.bench.sql(`
    select 'card', to_jsonb(card) from card
    union all select 'certificate', to_jsonb(certificate) from certificate
    union all select 'status', to_jsonb(card_status) - 'noticed_at' from card_status
    union all select 'feed', to_jsonb(feed_state) from feed_state order by 1, 2`);

/** A card that both owners know. */
async function known(): Promise<CardStory> {
  const card = await running.bench.newCard();
  running.bench.issuance.cards.push(card.issued);
  await running.bench.deliver(card.event);
  return card;
}

beforeEach(async () => {
  const { bench } = running;
  bench.owner.answers = true;
  bench.issuance.answers = true;
  bench.issuance.beforePage = async () => {};
  for (const changes of [[], ['accept'], ['suspend', 'resume'], ['accept', 'suspend'], ['accept', 'revoke']] as const) {
    const card = await known();
    for (const change of changes) await bench.deliver(card[change]());
  }
  await bench.feed.applyReady();
});

describe('a rebuild', () => {
  it('makes good whatever was damaged', async () => {
    const { bench } = running;
    const before = await model();
    const numbers = bench.issuance.cards.map(({ cardNumber }) => cardNumber);
    await bench.sql(`
      delete from card where card_number = '${numbers[0]}';
      delete from certificate where card_number = '${numbers[1]}';
      update card set name = 'another', name_key = 'another', email = null where card_number = '${numbers[2]}';
      update certificate set der = '\\x00' where card_number = '${numbers[3]}';
      insert into certificate values ('${'7E'.repeat(16)}', '${numbers[3]}', '\\x00');
      insert into card select 'XX00000000000001', '', '', '', '', '', '', null, '', now(), now() , 'x';
      insert into card select 'ZZ00000000000001', '', '', '', '', '', '', null, '', now(), now() , 'x';
      delete from card_status where card_number = '${numbers[1]}';
      update card_status set held = not held, seq = seq + 1000, listed_reason = null, listed_since = null
        where card_number in ('${numbers[2]}', '${numbers[4]}');
      insert into card_status (card_number, seq, held) values ('YY00000000000001', 1, true);
    `);
    expect(await model()).not.toEqual(before);
    expect(await rebuild()).toMatchObject({ state: 'done', problem: null, requestedBy: 'chen' });
    expect(await model()).toEqual(before);
    expect(await bench.sql('select * from rebuilt_status')).toEqual([]);
    expect(await rebuild()).toMatchObject({ state: 'done' });
    expect(await model()).toEqual(before);
  });

  it('begins with nothing at all', async () => {
    const { bench } = running;
    const before = await model();
    await bench.sql(`delete from card; delete from certificate; delete from card_status; delete from feed_row;
      update feed_state set epoch = null, seq = 0, hash = '${'0'.repeat(64)}', at = null`);
    expect(await rebuild()).toMatchObject({ state: 'done' });
    expect(await model()).toEqual(before);
  });

  it('keeps what is issued and changed while it runs, and lets everybody read', async () => {
    const { bench } = running;
    const [, accepted] = bench.issuance.cards;
    const fresh: CardStory[] = [];
    const seen = new Set<unknown>();
    const seqs: number[] = [];
    bench.issuance.beforePage = async () => {
      // Issued after this page was made, and known here before it arrives.
      if (fresh.length < 4) {
        const card = await known();
        fresh.push(card);
        await bench.deliver(card.suspend());
        await bench.feed.applyReady();
      }
      const { items, asOfSeq } = await bench.find(accepted!.cardNumber);
      seen.add(items[0]?.['status']);
      seqs.push(asOfSeq);
    };
    expect(await rebuild()).toMatchObject({ state: 'done' });
    expect([...seen]).toEqual(['valid']);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    for (const card of fresh) expect(await bench.statusOf(card)).toBe('suspended');
    expect(await bench.sql('select * from dead_letter')).toEqual([]);
  });

  it('waits for owners that do not answer, and a second request is the same rebuild', async () => {
    const { bench } = running;
    bench.issuance.answers = false;
    const ids = await Promise.all([1, 2, 3].map(async () => ((await (await call('POST')).json()) as Rebuild).id));
    expect(new Set(ids).size).toBe(1);
    expect(((await (await call('GET')).json()) as Rebuild).state).toBe('running');
    bench.issuance.answers = true;
    expect(await rebuild()).toMatchObject({ state: 'done', id: ids[0] });
  });

  it('is given up, and nothing is read otherwise, when the owner has lost rows', async () => {
    const { bench } = running;
    const before = await model();
    const lost = bench.owner.log.splice(-2);
    expect(await rebuild()).toMatchObject({ state: 'failed', problem: expect.stringContaining('conflict') });
    expect(await model()).toEqual(before);
    bench.owner.log.push(...lost);
    expect(await rebuild()).toMatchObject({ state: 'done' });
  });

  it('is an operator’s to ask for', async () => {
    for (const role of ['ca-officer', 'service', 'application-officer', 'auditor'] as const) {
      expect((await call('POST', role)).status).toBe(403);
    }
    expect((await fetch(running.bench.url + PATH, { method: 'POST' })).status).toBe(401);
    expect((await call('GET', 'auditor')).status).toBe(200);
  });
});
