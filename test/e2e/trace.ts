import { beforeAll, expect, it } from '@jest/globals';
import { sleep } from '#libs/clock';
import type { Collector } from '../../libs/trace/test/collector.js';
import { ask, askUntil } from '../demo/http.js';
import { issueCards, type IssuedCard } from '../demo/load.js';
import type { Instance } from '../demo/instance.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
/** What an application and a card of `issueCards` hold that is nobody else's business, as it is and as it is in a URL. */
const PRIVATE = ['load-test.example', '負測試', '測試路', 'Load#', '12345675', 'ground'].flatMap((text) => [text, encodeURIComponent(text)]); // prettier-ignore

/**
 * Suite: one trace id goes from an officer's request through suspension's outbox and the bus to everybody's copy.
 *
 * @param collector  where the instance sends its spans
 */
export function oneTrace(instance: Instance, collector: Collector): void {
  let card: IssuedCard;
  beforeAll(async () => {
    [card] = (await issueCards(instance, 1)) as [IssuedCard];
  }, 120_000);

  it('has the request and what each service made of its event', async () => {
    const url = (act: string) => `${instance.address.url}/api/v1/cards/${card.cardNumber}/${act}`;
    const asked = { token: await instance.token('wang'), json: { holder: 'ca', ground: 'a trace' } };
    await askUntil(({ status }) => status === 200, 'POST', url('hold'), asked); // once suspension has heard of the card
    const headers = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };
    const released = await ask('POST', url('release'), { ...asked, headers });
    expect(released.status).toBe(200);
    expect(JSON.stringify(released.body)).not.toContain(TRACE);

    const readers = ['acceptance', 'crl-publisher', 'issuance', 'status-query'];
    const expected = ['suspension POST /api/v1/cards/:n/release', ...readers.map((name) => `${name} process kaika.status.v1`)]; // prettier-ignore
    const seen = () => [...new Set(collector.spans(TRACE).map(({ service, name }) => `${service} ${name}`))].sort();
    for (const until = performance.now() + 30_000; performance.now() < until && seen().length < expected.length;)
      await sleep(100);
    expect(seen()).toEqual(expected.sort());
    const spans = collector.spans(TRACE);
    const request = spans.find(({ service }) => service === 'suspension')!;
    expect(request.parentSpanId).toBe('b7ad6b7169203331');
    for (const span of spans) if (span !== request) expect(span.parentSpanId).toBe(request.spanId);
  }, 60_000);

  it('and no other says anything about a card or a person', () => {
    const text = collector.bodies.join('\n');
    expect(collector.spans().length).toBeGreaterThan(10);
    for (const secret of [card.cardNumber, ...Object.values(card.serials), ...PRIVATE])
      expect({ secret, there: text.includes(secret) }).toEqual({ secret, there: false });
  });
}
