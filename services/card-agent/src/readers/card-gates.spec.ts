import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CaError } from '#libs/errors';
import { PivCard, type WireProof } from '#libs/piv';
import { type SampleCard, sampleCard } from '#libs/virtual-card';
import { type Agent, startAgent, TRANSPORT_PIN } from '../agent.fixture.js';
import { TestReaders } from './readers.fixture.js';

describe('two readers and two cards', () => {
  const readers = new TestReaders();
  const { a, b } = readers;
  let agent: Agent;
  let one: SampleCard;
  let two: SampleCard;

  beforeAll(async () => {
    agent = await startAgent({ cards: readers });
    one = await sampleCard(readers.store, 'EC00000000000001', { transportPin: TRANSPORT_PIN, name: '甲有限公司' });
    two = await sampleCard(readers.store, 'EC00000000000002', { transportPin: TRANSPORT_PIN, name: '乙有限公司' });
  });
  afterAll(() => agent.stop());

  const put = (inA?: SampleCard, inB?: SampleCard) => {
    a.insert(inA?.cardNumber);
    b.insert(inB?.cardNumber);
  };
  const status = async () => (await agent.api('GET', '/v1/status')).json;
  const code = (reply: { json: { type: string } }) => reply.json.type.replace('urn:kaika:error:', '');
  const read = (body: object = {}) => agent.api('POST', '/v1/card', body);
  const prove = (session: string, more: object = {}) =>
    agent.api('POST', '/v1/proofs', { session, nonce: agent.nonce, purpose: 'accept', ...more });
  async function openPage(session: string, more: object) {
    const proof = (await prove(session, more)).json as WireProof;
    return agent.pageOf(
      await agent.api('POST', '/v1/pin-sessions', { session, nonce: agent.nonce, job: await agent.jobFor(proof) }),
    );
  }
  async function pinOf({ cardNumber }: SampleCard, pin: string) {
    const connection = await readers.store.open(cardNumber);
    try {
      return await (await PivCard.select(connection)).verifyPin(pin);
    } finally {
      await connection.close();
    }
  }

  it('tells of each reader, and in one word of all', async () => {
    put();
    expect(await status()).toMatchObject({
      state: 'no-card',
      readers: [
        { name: 'A', state: 'no-card' },
        { name: 'B', state: 'no-card' },
      ],
    });
    expect(code(await read())).toBe('noCard');
    put(undefined, two);
    expect(await status()).toMatchObject({ state: 'ready', readers: [{ state: 'no-card' }, { state: 'ready' }] });
    expect((await read()).json).toMatchObject({ reader: 'B', cardNumber: two.cardNumber });
    readers.connected = [];
    expect(await status()).toMatchObject({ state: 'no-reader', readers: [], hint: { en: expect.any(String) } });
    expect(code(await read())).toBe('noReader');
    readers.connected = [a, b];
  });

  it('does not choose between two cards, and hints at it', async () => {
    put(one, two);
    expect(await status()).toMatchObject({ state: 'several-cards', hint: { zh: expect.stringContaining('多張卡片') } });
    for (const reply of [await read(), await prove('s-which')]) {
      expect(reply).toMatchObject({ status: 409, json: { hint: { en: expect.stringContaining('Leave in only') } } });
      expect(code(reply)).toBe('severalCards');
    }
    expect((await read({ reader: 'A' })).json.name).toBe('甲有限公司');
    expect((await read({ reader: 'B' })).json.name).toBe('乙有限公司');
    expect(code(await read({ reader: 'C' }))).toBe('noReader');
  });

  it('activates both at once without mixing them up', async () => {
    put(one, two);
    const [pageA, pageB] = await Promise.all([openPage('s-a', { reader: 'A' }), openPage('s-b', { reader: 'B' })]);
    await Promise.all([agent.typePin(pageA.path, 'PinOfA1!'), agent.typePin(pageB.path, 'PinOfB2!')]);
    expect((await pageA.poll()).state).toBe('done');
    expect((await pageB.poll()).state).toBe('done');
    expect(await pinOf(one, 'PinOfA1!')).toEqual({ ok: true });
    expect(await pinOf(two, 'PinOfB2!')).toEqual({ ok: true });
  });

  it('refuses a card swapped between read and accept, and one in another reader than the session’s', async () => {
    const card = await sampleCard(readers.store, 'EC00000000000003', { transportPin: TRANSPORT_PIN });
    put(card);
    const { cardNumber } = (await read()).json;
    put(two);
    const swapped = await prove('s-swapped', { cardNumber });
    expect(code(swapped)).toBe('otherCard');
    expect(swapped.json.signature).toBeUndefined();

    put(card);
    const page = await openPage('s-moved', { cardNumber });
    put(two, card);
    expect((await agent.typePin(page.path, '123456')).text).toContain('這不是原來的卡片');
    put(undefined, card);
    expect((await agent.typePin(page.path, '123456')).text).toContain('未偵測到智慧卡或晶片卡');
    readers.connected = [b];
    expect((await agent.typePin(page.path, '123456')).text).toContain('未偵測到智慧卡讀卡機');
    readers.connected = [a, b];
    expect(await pinOf(card, TRANSPORT_PIN)).toEqual({ ok: true });
    put(card);
    expect((await agent.typePin(page.path, '123456')).text).toContain('恭喜您已完成開卡作業');
  });

  it('powers a card on once for pages that ask again and again', async () => {
    put(one);
    await status();
    a.sent = [];
    for (let n = 0; n < 5; n++) expect((await status()).state).toBe('ready');
    expect(a.sent).toEqual([]);
    a.insert(two.cardNumber);
    await status();
    expect(a.sent.length).toBeGreaterThan(0);
  });

  it.each([
    ['noCard', 'no-card'],
    ['readerBusy', 'busy'],
    ['cardRemoved', 'removed'],
    ['unknownCardKind', 'unknown-card'],
    ['cardCommunication', 'card-error'],
  ] as const)('says of a reader that fails with %s: %s, with a hint', async (error, state) => {
    const failing = { name: 'F', holdsCard: () => true, connect: () => Promise.reject(new CaError(error, 'as told')) };
    readers.connected = [failing];
    expect(await status()).toMatchObject({ state, hint: { zh: expect.any(String), en: expect.any(String) } });
    expect((await read()).json).toMatchObject({ type: `urn:kaika:error:${error}`, hint: { zh: expect.any(String) } });
    readers.connected = [a, b];
  });

  it('says that the smart card service is missing, and that the agent is too old for a page', async () => {
    const list = readers.list.bind(readers);
    readers.list = () => Promise.reject(new CaError('noReader', 'no service', { state: 'pcsc-missing' }));
    expect(await status()).toMatchObject({ state: 'pcsc-missing', hint: { en: expect.stringContaining('PC/SC') } });
    expect((await read()).json).toMatchObject({
      state: 'pcsc-missing',
      hint: { en: expect.stringContaining('PC/SC') },
    });
    readers.list = list;
    const old = await agent.api('GET', '/v1/status?minimumVersion=99.0.0');
    expect(old.json).toMatchObject({ state: 'agent-outdated', hint: { en: expect.stringContaining('too old') } });
    expect((await agent.api('GET', '/v1/status?minimumVersion=0.0.9')).json.state).not.toBe('agent-outdated');
    expect((await agent.api('GET', '/v1/status?minimumVersion=1')).status).toBe(400);
  });
});

describe('a reader that hangs', () => {
  it('gets every request a named answer, and is busy until it ends', async () => {
    const readers = new TestReaders();
    const agent = await startAgent({ cards: readers, limits: { requestMs: 100 } });
    try {
      let end: () => void = () => undefined;
      const failed = new CaError('noCard', 'it was taken out at last');
      const connect = () => new Promise<never>((_, reject) => (end = () => reject(failed)));
      readers.connected = [{ name: 'H', holdsCard: () => true, connect }];
      const first = await agent.api('POST', '/v1/card', {});
      expect(first.json).toMatchObject({ type: 'urn:kaika:error:cardCommunication', hint: { en: expect.any(String) } });
      expect((await agent.api('GET', '/v1/status')).json).toMatchObject({ state: 'busy' });
      expect((await agent.api('POST', '/v1/card', {})).json).toMatchObject({ type: 'urn:kaika:error:readerBusy' });
      end();
      await new Promise(setImmediate);
      const asked = agent.api('GET', '/v1/status'); // the next one hangs as well
      expect((await asked).json).toMatchObject({ state: 'card-error' });
    } finally {
      await agent.stop();
    }
  });
});
