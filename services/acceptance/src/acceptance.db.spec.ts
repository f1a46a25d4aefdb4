import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { AcceptanceBench } from './acceptance.fixture.js';

const database = withTestDatabase();
let bench: AcceptanceBench;
beforeAll(async () => {
  bench = await AcceptanceBench.start(database);
}, 120_000);
afterAll(() => bench.stop());

describe('an activation by way A', () => {
  it('goes from the card’s proof to the holder’s own signature', async () => {
    const holder = await bench.issueCard({ signatureKey: 'rsa-2048' });
    const { session, status, body } = await bench.press(holder);
    expect({ status, body }).toMatchObject({ status: 200, body: { state: 'accepted' } });
    expect(await bench.state(session.id)).toBe('accepted');
    const job = await holder.openJob(body.pinJob, session.id, bench.jobKey, bench.clock.now());
    expect(job).toMatchObject({ transportPin: holder.transportPin, earlierJob: false });
    expect(await holder.changePin(job.transportPin, '13579246')).toEqual({ ok: true });
    const signature = await holder.confirm('13579246', session, body.nonce);
    for (let n = 0; n < 2; n++) {
      expect(await bench.complete(session, signature)).toEqual({ status: 200, body: { state: 'activated' } });
    }
    expect(await bench.state(session.id)).toBe('activated');
  });
});
