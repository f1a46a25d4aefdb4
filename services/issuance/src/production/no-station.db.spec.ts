import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { IssuanceBench } from '../issuance.fixture.js';

/** As an image runs it: virtual cards are not for production, and there is no other station yet. */
describe('issuance in production', () => {
  const database = withTestDatabase();
  const before = process.env['NODE_ENV'];
  let bench: IssuanceBench;
  beforeAll(async () => {
    process.env['NODE_ENV'] = 'production';
    bench = await IssuanceBench.start(database);
  }, 60_000);
  afterAll(async () => {
    process.env['NODE_ENV'] = before;
    await bench.stop();
  });

  it('starts, takes applications, and refuses by name what needs a station for cards', async () => {
    expect(await bench.apply()).toMatchObject({ status: 201 });
    expect(await bench.operate('/card-stock', { cardNumbers: [bench.newCardNumber()] })).toMatchObject({
      status: 409,
      body: { type: 'urn:kaika:error:noReader' },
    });
    expect((await bench.operate('/card-stock')).body).toMatchObject({ blank: 0 });
  });
});
