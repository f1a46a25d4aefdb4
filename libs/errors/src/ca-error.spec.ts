import { describe, expect, it } from '@jest/globals';
import { CaError, toProblem } from './ca-error.js';
import { ERRORS } from './codes.js';

describe('toProblem', () => {
  it('gives a named error its status, title, detail and parameters', () => {
    const problem = toProblem(new CaError('cardNotSuspended', 'card X is valid', { status: 200, way: 'A' }));
    expect(problem).toEqual({
      way: 'A',
      type: 'urn:kaika:error:cardNotSuspended',
      title: ERRORS.cardNotSuspended.title,
      status: 409, // a parameter never overwrites a member of the problem
      detail: 'card X is valid',
      legacyCode: null,
    });
  });

  it('keeps the codes of the manuals', () => {
    expect(toProblem(new CaError('codeRefused', '')).legacyCode).toBe('3005');
    expect(toProblem(new CaError('cardRevoked', '')).legacyCode).toBe('4931');
    expect(toProblem(new CaError('centreUnreachable', '')).legacyCode).toBe('3125');
    expect(toProblem(new CaError('cardBlocked', '')).legacyCode).toBe('27011');
  });

  it('tells nothing of an error without a name', () => {
    expect(JSON.stringify(toProblem(new Error('password=hunter2')))).not.toContain('hunter2');
    expect(toProblem(new Error('x')).status).toBe(500);
  });
});
