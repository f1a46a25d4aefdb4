import { beforeAll, describe, expect, it } from '@jest/globals';
import { type SearchQuery, conditionOf, searchQuery } from './search-criteria.js';
import { type CardStory, withStatusQuery } from './status-query.fixture.js';

const running = withStatusQuery();

interface Found {
  items: { cardNumber: string; name: string }[];
  next: string | null;
}

const ask = (query: Record<string, string>) => running.bench.get(`?${new URLSearchParams(query).toString()}`);
const find = async (query: Record<string, string>): Promise<Found> => {
  const answer = await ask(query);
  if (answer.status !== 200) throw new Error(await answer.text());
  return (await answer.json()) as Found;
};
const numbers = async (query: Record<string, string>) => (await find(query)).items.map(({ cardNumber }) => cardNumber);

/** Every page, `limit` items each. */
async function pages(query: Record<string, string>, limit: number): Promise<Found['items'][]> {
  const all: Found['items'][] = [];
  for (let next: string | null = ''; next !== null;) {
    const page: Found = await find({ ...query, limit: String(limit), ...(next && { after: next }) });
    all.push(page.items);
    next = page.next;
  }
  return all;
}

describe('search', () => {
  const names = ['臺北１００%有限公司', '臺北1_0有限公司', '臺北100分有限公司', "O'Brien & 貓", '\uF9C4華行', '龍華行'];
  const cards = new Map<string, CardStory>();
  beforeAll(async () => {
    const { bench } = running;
    for (const name of names) {
      const card = await bench.newCard({ name, ubn: '04595257', email: `${cards.size}@example.com` });
      cards.set(name, card);
      await bench.deliver(card.event);
    }
  });
  const numberOf = (name: string) => cards.get(name)!.issued.cardNumber;

  it('finds a card by its whole name, and by nothing less', async () => {
    for (const name of names) expect(await numbers({ name })).toEqual([numberOf(name)]);
    expect(await numbers({ name: ` ${names[0]} ` })).toEqual([numberOf(names[0]!)]);
    expect(await numbers({ name: names[0]!.slice(0, -1) })).toEqual([]);
  });

  it('finds names by how they begin, in their order, taking every character for itself', async () => {
    expect(await numbers({ namePrefix: '臺北' })).toEqual([names[2]!, names[1]!, names[0]!].map(numberOf));
    expect(await numbers({ namePrefix: '臺北1_' })).toEqual([numberOf(names[1]!)]);
    for (const namePrefix of ['%', '_', '臺北_', '臺北%', '臺北１０_', "'; drop table card; --"]) {
      expect(await numbers({ namePrefix })).toEqual([]);
    }
    expect(await numbers({ namePrefix: "O'B" })).toEqual([numberOf("O'Brien & 貓")]);
  });

  it('compares names in NFC, but takes no compatibility ideograph for another', async () => {
    const composed = await running.bench.newCard({ name: 'Caf\u00e9 行' });
    await running.bench.deliver(composed.event);
    expect(await numbers({ name: 'Cafe\u0301 行' })).toEqual([composed.issued.cardNumber]);
    expect(await numbers({ namePrefix: 'Cafe\u0301' })).toEqual([composed.issued.cardNumber]);
    expect(await numbers({ name: '\uF9C4華行' })).toEqual([numberOf('\uF9C4華行')]);
    expect(await numbers({ name: '龍華行' })).toEqual([numberOf('龍華行')]);
  });

  it('finds cards by 統一編號, by the certificate’s e-mail, and tells no address', async () => {
    expect(new Set(await numbers({ ubn: '04595257' }))).toEqual(new Set([...cards.keys()].map(numberOf)));
    expect(await numbers({ email: '3@EXAMPLE.com' })).toEqual([numberOf("O'Brien & 貓")]);
    expect(await numbers({ email: '%@example.com' })).toEqual([]);
    expect(await (await ask({ email: '3@example.com' })).text()).not.toContain('@');
  });

  it('finds a card by either serial or its pair, but not by the serials of two cards', async () => {
    const [one, other] = [...cards.values()].map(({ issued }) => issued);
    const { signature, encryption } = one!.serials;
    const typed = signature.toLowerCase().replace(/(.{4})/g, '$1 ');
    for (const serial of [signature, encryption, typed, signature + encryption, `${encryption} ${signature}`]) {
      expect(await numbers({ serial })).toEqual([one!.cardNumber]);
    }
    expect(await numbers({ serial: signature + other!.serials.encryption })).toEqual([]);
    expect(await numbers({ serial: signature + signature })).toEqual([]);
    expect(await numbers({ serial: '7F'.repeat(16) })).toEqual([]);
  });

  it('gives every card once, in pages of any size', async () => {
    for (const query of [{ ubn: '04595257' }, { namePrefix: '臺北' }] as Record<string, string>[]) {
      const whole = (await find(query)).items;
      for (const limit of [1, 2, 3, 4, 100]) {
        const found = await pages(query, limit);
        expect(found.flat()).toEqual(whole);
        expect(found.slice(0, -1).every((items) => items.length === limit)).toBe(true);
        expect(found.at(-1)!.length).toBeGreaterThan(0);
      }
    }
  });

  it.each([
    ['nothing', {}, 'query:'],
    ['no criterion', { limit: '5' }, 'query:'],
    ['two criteria', { name: 'x', ubn: '04595257' }, 'query:ubn'],
    ['an unknown one', { colour: 'red' }, 'query:colour'],
    ['an empty name', { name: '' }, 'query:name'],
    ['a prefix of blanks', { namePrefix: '   ' }, 'query:namePrefix'],
    ['a name of 65 characters', { name: '㐀'.repeat(65) }, 'query:name'],
    ['a huge name', { namePrefix: 'x'.repeat(10_000) }, 'query:namePrefix'],
    ['a NUL', { name: 'a\0b' }, 'query:name'],
    ['a private-use character', { namePrefix: '\uE000' }, 'query:namePrefix'],
    ['a serial of 33 characters', { serial: 'A'.repeat(33) }, 'query:serial'],
    ['a serial that is not hexadecimal', { serial: 'G'.repeat(32) }, 'query:serial'],
    ['a serial of full-width digits', { serial: '１'.repeat(32) }, 'query:serial'],
    ['a 統一編號 whose check digit is wrong', { ubn: '12345678' }, 'query:ubn'],
    ['a 統一編號 of full-width digits', { ubn: '０４５９５２５７' }, 'query:ubn'],
    ['half an address', { email: 'office@' }, 'query:email'],
    ['a card number with a script', { cardNumber: '<script>alert(1)</script>' }, 'query:cardNumber'],
    ['a page of 101', { ubn: '04595257', limit: '101' }, 'query:limit'],
    ['a page of none', { ubn: '04595257', limit: '0' }, 'query:limit'],
    ['a page of letters', { ubn: '04595257', limit: 'x' }, 'query:limit'],
    ['an end of no page', { namePrefix: '臺', after: 'TT99999999999999' }, 'query:after'],
    ['a page after anything', { ubn: '04595257', after: "' or 1=1 --" }, 'query:after'],
  ])('refuses %s by the name of the field, and does not repeat it', async (_what, query, at) => {
    const answer = await ask(query as Record<string, string>);
    const text = await answer.text();
    expect(answer.status).toBe(400);
    const problem = JSON.parse(text) as { type: string; errors: { at: string }[] };
    expect(problem.type).toBe('urn:kaika:error:invalidRequest');
    expect(problem.errors.map((error) => error.at)).toContain(at);
    for (const value of Object.values(query).filter((value) => value.length > 8)) expect(text).not.toContain(value);
  });

  it('refuses a criterion that is given twice', async () => {
    for (const query of ['?name=a&name=b', '?name[]=a', '?name[$gt]=a']) {
      expect((await running.bench.get(query)).status).toBe(400);
    }
  });
});

describe('among 100,000 cards', () => {
  beforeAll(async () => {
    const { bench } = running;
    // A third each of one name, of names that begin alike, and of names of their own.
    await bench.sql(`
      insert into card (card_number, signature_serial, encryption_serial, issuer_ski, subject, name, name_key, ubn, email,
        rank, not_before, not_after)
      select 'ZZ' || lpad(n::text, 14, '0'), '01' || lpad(to_hex(n), 30, '0'), '02' || lpad(to_hex(n), 30, '0'),
        repeat('A', 40), '', name, name, '12345675', n || '@example.com', 'primary', now(), now()
      from generate_series(1, 100000) n, lateral (select case n % 3 when 0 then '同名行'
        when 1 then '同頭' || n when 2 then md5(n::text) || '行' end as name)`);
    await bench.sql(
      `insert into certificate select signature_serial, card_number, '' from card where card_number like 'ZZ%'`,
    );
    await bench.sql('analyze card, certificate, card_status');
  }, 60_000);

  it.each([
    ['name', { name: '同名行', after: 'ZZ00000000050000' }, 'card_by_name'],
    ['namePrefix', { namePrefix: '同頭', after: 'ZZ00000000050002' }, 'card_by_name'],
    ['a prefix of everything', { namePrefix: '同' }, 'card_by_name'],
    ['ubn', { ubn: '12345675', after: 'ZZ00000000050000' }, 'card_by_ubn'],
    ['email', { email: '77@example.com' }, 'card_by_email'],
    ['cardNumber', { cardNumber: 'ZZ00000000000077' }, 'card_pkey'],
    ['serial', { serial: `01${'0'.repeat(28)}50` }, 'certificate_pkey'],
  ])('a page by %s reads its own part of an index and no more', async (_name, question, index) => {
    const query: SearchQuery = searchQuery.parse(question);
    const { where, orderBy, parameters } = conditionOf(query, query.namePrefix && '同頭50002');
    const literal = (value: unknown) =>
      Array.isArray(value) ? `array[${value.map((text) => `'${text}'`).join()}]` : `'${String(value)}'`;
    const all = [21, query.after ?? '', ...parameters];
    const sql = `select * from card where ${where} order by ${orderBy} limit $1`.replace(/\$(\d)/g, (_, n: string) =>
      literal(all[Number(n) - 1]),
    );
    const [row] = await running.bench.sql(`explain (analyze, buffers, format json) ${sql}`);
    const plan = JSON.stringify(row!['QUERY PLAN']);
    expect(plan).toContain(`"Index Name":"${index}"`);
    expect(plan).not.toMatch(/Seq Scan|"Node Type":"Sort"|"Rows Removed by Filter":[1-9]/);
    const [{ Plan: top }] = row!['QUERY PLAN'] as [{ Plan: Record<string, number> }];
    expect(top['Shared Hit Blocks']! + top['Shared Read Blocks']!).toBeLessThan(60);
  });

  it('pages through all of one prefix without a double or a hole', async () => {
    const found = (await pages({ namePrefix: '同頭9' }, 100)).flat();
    const [wanted] = await running.bench.sql(`select count(*)::int as n from card where name like '同頭9%'`);
    expect(found.length).toBe(wanted!['n']);
    expect(new Set(found.map(({ cardNumber }) => cardNumber)).size).toBe(found.length);
  });
});
