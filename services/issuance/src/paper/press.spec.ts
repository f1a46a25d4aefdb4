import { describe, expect, it } from '@jest/globals';
import { printed } from './press.js';

describe('the press', () => {
  it('draws one sheet after the other, a few more wait, and the rest are asked to come again', async () => {
    let drawing = 0;
    let most = 0;
    const sheet = () =>
      printed(async () => {
        most = Math.max(most, (drawing += 1));
        await new Promise((done) => setImmediate(done));
        drawing -= 1;
        return Buffer.from('sheet');
      });
    const results = await Promise.allSettled(Array.from({ length: 20 }, sheet));
    expect(most).toBe(1);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(9);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'tooBusy' });
    }
    expect((await sheet()).toString()).toBe('sheet');
  });

  it('goes on after one that could not be drawn', async () => {
    await expect(printed(() => Promise.reject(new Error('no font')))).rejects.toThrow('no font');
    expect((await printed(async () => Buffer.from('next'))).toString()).toBe('next');
  });
});
