import { describe, expect, it } from '@jest/globals';
import { QueryFailedError } from 'typeorm';
import { CaError } from '#libs/errors';
import { isSurroundingsError } from './index.js';

const withCode = (code: string) => Object.assign(new Error('x'), { code });

describe('isSurroundingsError', () => {
  it('knows errors that pass by waiting', () => {
    const codes = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOSPC', 'UND_ERR_SOCKET'];
    const states = ['08006', '40001', '40P01', '53300', '57014', '57P01', '57P03', '58030', '55P03', '25P03'];
    for (const code of [...codes, ...states]) expect([code, isSurroundingsError(withCode(code))]).toEqual([code, true]);
    for (const message of ['Connection terminated unexpectedly', 'timeout exceeded when trying to connect']) {
      expect(isSurroundingsError(new Error(message))).toBe(true);
    }
    expect(isSurroundingsError(AbortSignal.timeout(0).reason ?? new DOMException('', 'TimeoutError'))).toBe(true);
  });

  it('looks through causes, TypeORM’s wrapping and collected errors', () => {
    expect(isSurroundingsError(new Error('reading', { cause: withCode('ECONNREFUSED') }))).toBe(true);
    expect(isSurroundingsError(new QueryFailedError('select 1', [], withCode('40001')))).toBe(true);
    expect(isSurroundingsError(new AggregateError([withCode('ECONNREFUSED')]))).toBe(true);
    expect(isSurroundingsError(new TypeError('fetch failed', { cause: withCode('ECONNREFUSED') }))).toBe(true);
  });

  it('takes a peer’s 5xx for the surroundings, a 4xx for an error of ours', () => {
    expect(isSurroundingsError(Object.assign(new Error('peer'), { status: 503 }))).toBe(true);
    expect(isSurroundingsError(Object.assign(new Error('peer'), { status: 409 }))).toBe(false);
    const unnamed = Object.assign(new Error('PUT /cuts: answered 503'), { name: 'PeerUnreachable' }); // libs/doors
    expect(isSurroundingsError(unnamed)).toBe(true);
  });

  it('leaves errors of the event and of the code to be counted', () => {
    for (const state of ['23505', '23514', '22P02', '42P01', '42501']) {
      expect([state, isSurroundingsError(withCode(state))]).toEqual([state, false]);
    }
    const circle = new Error('circle');
    circle.cause = circle;
    const others = [new TypeError('x is undefined'), new CaError('cardRevoked', ''), circle, 'text', null, undefined];
    for (const error of others) expect(isSurroundingsError(error)).toBe(false);
  });
});
