import { describe, expect, it } from '@jest/globals';
import { rfc4514 } from './subject.js';

describe('rfc4514', () => {
  it('writes the last attribute first and escapes what RFC 4514 §2.4 names', () => {
    expect(rfc4514({ C: 'TW', O: '開卡', OU: '臺中' })).toBe('OU=臺中,O=開卡,C=TW');
    expect(rfc4514({ O: '#a, b+"c"\\<d>;' })).toBe('O=\\#a\\, b\\+\\"c\\"\\\\\\<d\\>\\;');
    expect(rfc4514({ O: ' a ' })).toBe('O=\\ a\\ ');
  });
});
