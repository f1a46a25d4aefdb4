import { describe, expect, it } from '@jest/globals';
import { beginSpan, currentTrace, currentTraceId, traced, within } from './index.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;
const about = { service: 'test', name: 'work', kind: 'event' } as const;
const inTraceOf = (carrier: Parameters<typeof beginSpan>[0]) => within(beginSpan(carrier, about), currentTrace);
const NEW = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/;

describe('a trace', () => {
  it('goes on with an id of our own in it, and with what its vendors said', () => {
    const { traceparent, tracestate } = inTraceOf({ traceparent: PARENT, tracestate: 'rojo=1,congo=t61' });
    expect(traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    expect(traceparent).not.toBe(PARENT);
    expect(tracestate).toBe('rojo=1,congo=t61');
    expect(inTraceOf({ traceparent: PARENT })).not.toHaveProperty('tracestate');
  });

  it('keeps the flag of who began it', () => {
    expect(inTraceOf({ traceparent: PARENT.replace(/01$/, '00') }).traceparent).toMatch(/-00$/);
  });

  it('of a later version is read as far as we know it', () => {
    expect(inTraceOf({ traceparent: `cc${PARENT.slice(2)}-what-the-future-brings` }).traceparent).toContain(TRACE);
  });

  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['of no form', 'sesame'],
    ['two, joined', `${PARENT}, ${PARENT}`],
    ['of zeros', PARENT.replace(TRACE, '0'.repeat(32))],
    ['of no parent', PARENT.replace('b7ad6b7169203331', '0'.repeat(16))],
    ['in capitals', PARENT.toUpperCase()],
    ['too long', `${PARENT}-more`],
    ['of version ff', `ff${PARENT.slice(2)}`],
    ['very long', 'a'.repeat(100_000)],
  ])('is a new one where the traceparent is %s', (_, traceparent) => {
    const first = inTraceOf({ traceparent, tracestate: 'rojo=1' });
    expect(first.traceparent).toMatch(NEW);
    expect(first.traceparent).not.toContain(TRACE);
    expect(first.tracestate).toBeUndefined();
    expect(inTraceOf({ traceparent }).traceparent).not.toBe(first.traceparent);
  });

  it('whose tracestate is nonsense goes on without it', () => {
    expect(inTraceOf({ traceparent: PARENT, tracestate: 'a\u0000=,=,,' }).tracestate).toBeUndefined();
    expect(inTraceOf({ traceparent: PARENT, tracestate: `a=${'b'.repeat(600)}` }).tracestate).toBeUndefined();
  });

  it('is that of what was begun within it, however long that takes, and of nothing outside', async () => {
    expect([currentTraceId(), currentTrace()]).toEqual([undefined, {}]);
    const ids = await traced({ traceparent: PARENT }, about, async () => {
      await new Promise((done) => setImmediate(done));
      const inner = await traced({}, about, async () => currentTraceId());
      return [currentTraceId(), inner];
    });
    expect(ids[0]).toBe(TRACE);
    expect(ids[1]).not.toBe(TRACE);
    expect(currentTraceId()).toBeUndefined();
  });

  it('never has the same id twice', () => {
    const ids = Array.from({ length: 2_000 }, () => inTraceOf({}).traceparent!.split('-').slice(1, 3)).flat();
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('lets errors through', async () => {
    await expect(traced({}, about, () => Promise.reject(new Error('as it was')))).rejects.toThrow('as it was');
  });
});
