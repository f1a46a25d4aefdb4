import { describe, expect, it } from '@jest/globals';
import {
  padPin,
  pinFits,
  PIVAPPLET,
  PLAIN_PIV,
  profileOf,
  pukBytes,
  VIRTUAL_ASCII,
  VIRTUAL_ASCII_LABEL,
  VIRTUAL_DIGITS,
  VIRTUAL_DIGITS_LABEL,
  YUBIKEY,
} from './profile.js';
import { tlv } from './tlv.js';

describe('CardProfile', () => {
  it('is chosen by the SELECT answer; an unknown card gets the least that every PIV card has', () => {
    expect(profileOf(tlv(0x50, Buffer.from(VIRTUAL_ASCII_LABEL)))).toBe(VIRTUAL_ASCII);
    expect(profileOf(Buffer.from('4f0600001000010079074f05a000000308', 'hex'))).toBe(YUBIKEY);
    expect(profileOf(tlv(0x50, Buffer.from(VIRTUAL_DIGITS_LABEL)))).toBe(VIRTUAL_DIGITS);
    expect(profileOf(tlv(0x50, Buffer.from('PivApplet v0.9.0/REeSAxaD')))).toBe(PIVAPPLET);
    expect(profileOf(tlv(0x50, Buffer.from('PivAppletish')))).toBe(PLAIN_PIV);
    expect(profileOf(tlv(0x50, Buffer.from('__proto__')))).toBe(PLAIN_PIV);
    expect(profileOf(Buffer.alloc(0))).toBe(PLAIN_PIV);
    expect(() => profileOf(Buffer.from('500a41', 'hex'))).toThrow(
      expect.objectContaining({ code: 'cardCommunication' }),
    );
  });

  it('knows the PINs a card takes', () => {
    for (const pin of ['123456', '12345678']) expect(pinFits(pin, PLAIN_PIV)).toBe(true);
    for (const pin of ['12345', '123456789', 'abc123', '１２３４５６', '', '12 456']) {
      expect(pinFits(pin, PLAIN_PIV)).toBe(false);
    }
    for (const pin of ['abc123', 'A!b"c#D~']) expect(pinFits(pin, VIRTUAL_ASCII)).toBe(true);
    for (const pin of ['abc 123', '密碼密碼密碼', 'abcdé12']) expect(pinFits(pin, VIRTUAL_ASCII)).toBe(false);
  });

  it('fills a PIN up with FF, and does not repeat one it refuses', () => {
    expect(padPin('123456', PLAIN_PIV).toString('hex')).toBe('313233343536ffff');
    expect(padPin('12345678', PLAIN_PIV).toString('hex')).toBe('3132333435363738');
    expect(() => padPin('secret!', PLAIN_PIV)).toThrow(expect.objectContaining({ code: 'pinFormat' }));
    expect(() => padPin('secret!', PLAIN_PIV)).not.toThrow(/secret/);
  });

  it('takes a PUK of eight digits only, and does not repeat another', () => {
    expect(pukBytes('12345678').toString()).toBe('12345678');
    for (const puk of ['1234567', '123456789', 'secret!!', '']) {
      expect(() => pukBytes(puk)).toThrow(
        expect.objectContaining({ code: 'pinFormat', message: 'a PUK has eight digits' }),
      );
    }
  });
});
