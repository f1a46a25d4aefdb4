import { describe, expect, it } from '@jest/globals';
import { FIXTURE_NAMES } from '#libs/virtual-card';
import { CARD_HELP, cardOptions } from './card-options.js';

describe('npm run card', () => {
  it('takes a fixture, and has an answer for everything else', () => {
    for (const fixture of FIXTURE_NAMES) {
      expect(cardOptions(['virtual', '--fixture', fixture])).toEqual({
        ...{ fixture, family: 'virtual', signatureKey: 'rsa-2048', cardNumber: 'EC00000000000001' },
        ...{ host: '127.0.0.1', port: 35_963 },
      });
      expect(CARD_HELP).toContain(fixture);
    }
    const all = ['--family', 'yubikey', '--key', 'p-256', '--card', 'AB12345678901234', '--vpcd', 'box:40000'];
    expect(cardOptions(['virtual', '--fixture', 'empty', ...all])).toEqual({
      ...{ fixture: 'empty', family: 'yubikey', signatureKey: 'p-256', cardNumber: 'AB12345678901234' },
      ...{ host: 'box', port: 40_000 },
    });
  });

  it('helps', () => {
    for (const args of [[], ['--help'], ['-h'], ['help'], ['virtual', '--help']])
      expect(cardOptions(args)).toBe('help');
  });

  it.each([
    ['--fixture is one of', ['virtual']],
    ['not nonsense', ['virtual', '--fixture', 'nonsense']],
    ['not toString', ['virtual', '--fixture', 'toString']],
    ['the only kind of card is virtual', ['real', '--fixture', 'empty']],
    ['the only kind of card is virtual', ['--fixture', 'empty']],
    ['--family is one of', ['virtual', '--fixture', 'empty', '--family', 'hicos']],
    ['--key is', ['virtual', '--fixture', 'empty', '--key', 'rsa-1024']],
    ['--card is', ['virtual', '--fixture', 'empty', '--card', '../../x']],
    ['--vpcd is', ['virtual', '--fixture', 'empty', '--vpcd', 'box:0']],
    ['--vpcd is', ['virtual', '--fixture', 'empty', '--vpcd', 'box:70000']],
    ['--vpcd is', ['virtual', '--fixture', 'empty', '--vpcd', 'a:b:c']],
    ['--vpcd is', ['virtual', '--fixture', 'empty', '--vpcd', '']],
    ['--colour', ['virtual', '--fixture', 'empty', '--colour', 'red']],
    ['--fixture', ['virtual', '--fixture']],
  ])('names what is wrong: %s', (problem, args) => {
    expect(cardOptions(args)).not.toBe('help');
    expect(cardOptions(args)).toEqual(expect.stringContaining(problem));
  });
});
