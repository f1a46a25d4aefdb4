import { describe, expect, it } from '@jest/globals';
import { createLogger } from './logger.js';

describe('the logger', () => {
  const logged = (write: (log: ReturnType<typeof createLogger>) => void) => {
    let text = '';
    write(createLogger('trace', { write: (line: string) => void (text += line) }));
    return text;
  };

  it('redacts the fields that carry secrets, two levels deep', () => {
    const text = logged((log) => {
      log.info({ userCode: 'sesame' }, 'a');
      log.info({ body: { nationalId: 'sesame', contact: { pin: 'sesame' } } }, 'b');
    });
    expect(text.match(/\[redacted\]/g)).toHaveLength(3);
    expect(text).not.toContain('sesame');
  });

  it('tells the chain of an error and none of a database error’s parameters', () => {
    const driverError = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (code)=(sesame)',
      parameters: ['sesame'],
    });
    const error = Object.assign(new Error('storing the application', { cause: driverError }), {
      parameters: ['sesame'],
      driverError,
    });
    const text = logged((log) => log.error({ err: error }, 'request failed'));
    expect(JSON.parse(text)).toMatchObject({
      err: { message: 'storing the application', cause: { message: 'duplicate key', code: '23505' } },
    });
    expect(text).not.toContain('sesame');
  });
});
