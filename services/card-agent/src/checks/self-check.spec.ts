import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CaError } from '#libs/errors';
import { sampleCard } from '#libs/virtual-card';
import { type Agent, startAgent } from '../agent.fixture.js';
import { TestReaders } from '../readers/readers.fixture.js';

const PIN = '24681357';

describe('the self-check', () => {
  const readers = new TestReaders();
  let agent: Agent;
  beforeAll(async () => {
    agent = await startAgent({ cards: readers });
    await sampleCard(readers.store, 'EC00000000000001', { transportPin: PIN });
    await readers.store.create('EC00000000000009');
    readers.connected = [readers.a];
  });
  afterAll(() => agent.stop());

  interface Item {
    number: number;
    result: string;
    hint?: { zh: string; en: string };
  }
  /** The first item that failed; the others as a line: √ ✗ – ○ */
  async function check(): Promise<{ line: string; failed?: Item }> {
    const { items } = (await agent.api('POST', '/v1/self-checks')).json as { items: Item[] };
    const marks: Record<string, string> = { pass: '√', fail: '✗', skipped: '–', 'on-the-agents-page': '○' };
    const failed = items.find(({ result }) => result === 'fail');
    expect(items.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    return { line: items.map(({ result }) => marks[result]).join(''), failed };
  }

  it('passes eight items without a PIN, and leaves two to the agent’s page', async () => {
    readers.a.insert('EC00000000000001');
    readers.a.sent = [];
    expect(await check()).toEqual({ line: '√√√√√√√√○○', failed: undefined });
    expect(readers.a.sent).not.toContain('20');
    expect(readers.a.sent).not.toContain('24');
  });

  it('stops at what is missing, with a hint in both languages', async () => {
    const list = readers.list.bind(readers);
    readers.list = () => Promise.reject(new CaError('noReader', 'no service', { state: 'pcsc-missing' }));
    expect(await check()).toMatchObject({
      line: '√√✗–––––––',
      failed: { hint: { zh: expect.stringContaining('PC/SC') } },
    });
    readers.list = list;
    readers.connected = [];
    expect(await check()).toMatchObject({
      line: '√√√✗––––––',
      failed: { hint: { en: expect.stringContaining('reader') } },
    });
    readers.connected = [readers.a];
    readers.a.insert(undefined);
    expect(await check()).toMatchObject({
      line: '√√√√✗–––––',
      failed: { hint: { zh: expect.stringContaining('未偵測到') } },
    });
    readers.a.insert('EC00000000000009'); // a PIV card with nothing on it
    expect(await check()).toMatchObject({
      line: '√√√√√√✗–––',
      failed: { hint: { zh: expect.stringContaining('不明連接卡') } },
    });
  });

  it('finds certificates out of date, and others than the centre’s where its CAs are known', async () => {
    readers.a.insert('EC00000000000001');
    agent.clock.set(-40 * 365 * 86_400_000);
    expect(await check()).toMatchObject({
      line: '√√√√√√√✗––',
      failed: { hint: { en: expect.stringContaining('not valid') } },
    });
    agent.clock.set(0);

    const others = new TestReaders();
    await sampleCard(others.store, 'EC00000000000002', { transportPin: PIN });
    others.a.insert('EC00000000000002');
    const elsewhere = await startAgent({ cards: others, issuers: [new X509Certificate(rootCertificates[0]!).raw] });
    const { items } = (await elsewhere.api('POST', '/v1/self-checks')).json as { items: Item[] };
    expect(items[7]).toMatchObject({
      result: 'fail',
      hint: { en: expect.stringContaining('not issued by this centre') },
    });
    await elsewhere.stop();
  });

  it('is a page of the agent’s own: a look from elsewhere touches no card', async () => {
    readers.a.insert('EC00000000000001');
    readers.a.sent = [];
    const page = await agent.send('GET', '/check', {});
    expect(page.text).toContain('讀卡環境檢測');
    expect(readers.a.sent).toEqual([]);
    for (const origin of ['https://ca.example', 'https://evil.example', 'null']) {
      const foreign = await agent.send('POST', '/check', { origin });
      expect(foreign.status).toBe(403);
    }
    expect(readers.a.sent).toEqual([]);

    const done = await agent.sendForm('/check');
    expect(done.text.match(/√/g)).toHaveLength(8);
    expect(done.text).toContain('aria-label="通過"');
    expect((await agent.sendForm('/check?lang=en')).text).toContain('Both certificates');
    readers.a.insert(undefined);
    const missing = await agent.sendForm('/check');
    expect(missing.text).toContain('✗');
    expect(missing.text).toContain('未偵測到智慧卡或晶片卡');
    expect(missing.text).not.toContain('/check/pin');
    expect((await agent.sendForm('/check/pin')).text).toContain('未偵測到智慧卡或晶片卡');
  });

  it('verifies the PIN and signs when the holder goes on, and refuses at the last try', async () => {
    readers.a.insert('EC00000000000001');
    const open = async (path: string) => /href="(\/pin\/[^"?]+)/.exec((await agent.sendForm(path)).text)![1]!;
    const path = await open('/check/pin');
    expect((await agent.send('GET', path, {})).text).toContain('PIN碼驗證及測試簽章');
    expect((await agent.sendForm(path, { oldPin: PIN })).text).toContain('測試簽章成功');
    const again = await open('/check/pin');
    for (let n = 0; n < 4; n++) await agent.sendForm(again, { oldPin: '000000' });
    const refusing = await open('/check/pin');
    readers.a.sent = [];
    expect((await agent.sendForm(refusing, { oldPin: PIN })).text).toContain('只剩一次輸入機會');
    expect(readers.a.sent.filter((ins) => ins === '20')).toHaveLength(1); // the question, no VERIFY
    const change = await open('/check/pin-change');
    expect((await agent.send('GET', change, {})).text).toContain('變更IC卡PIN碼');
  });
});
