import { describe, expect, it } from '@jest/globals';
import { keyIdentifier, type Issuer, placeholderKey, spkiOf } from '#libs/pki';
import { PLAIN_PIV } from '#libs/piv';
import type { Applicant } from '../certificates/subject.js';
import { checkIssuable, confirmedNationalId } from './intake-checks.js';

const NOW = new Date('2026-11-21T12:00:00Z');
const publicKey = placeholderKey('rsa-4096');
const issuer: Issuer = {
  nameDer: Buffer.from('300f310d300b06035504030c0474657374', 'hex'),
  ski: keyIdentifier(spkiOf(publicKey)),
  notAfter: new Date('2046-01-01T00:00:00Z'),
  publicKey,
  urls: {
    crl: ['http://ca.example/crl/g1/complete.crl'],
    caIssuers: `http://ca.example/ca/${'A'.repeat(40)}.cer`,
    ocsp: 'http://ca.example/ocsp',
  },
};
const applicant: Applicant = {
  ...{ kind: 'company', name: '開卡示範股份有限公司', branch: null, county: null },
  ...{ ubn: '12345675', certificateEmail: null, rank: 'primary' },
};
const refusal = (changes: Partial<Applicant>, maxCertBytes = 3_052): unknown => {
  try {
    checkIssuable({ ...applicant, ...changes }, issuer, maxCertBytes, NOW);
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('checkIssuable', () => {
  it('lets a usual name through, also for the smallest card under an RSA-4096 issuer', () => {
    expect(refusal({}, PLAIN_PIV.maxCertBytes)).toBeUndefined();
    expect(refusal({ name: '開'.repeat(64), branch: '分'.repeat(64), kind: 'branch' })).toBeUndefined();
  });

  it('refuses by field name what no card of ours takes', () => {
    expect(refusal({ name: '開'.repeat(64), certificateEmail: `${'a'.repeat(60)}@example.com` }, 1_500)).toMatchObject({
      code: 'certificateTooLarge',
      params: { errors: [expect.objectContaining({ at: '/name' })] },
    });
    expect(refusal({ kind: 'branch', name: '開', branch: '分'.repeat(64) }, 1_500)).toMatchObject({
      params: { errors: [expect.objectContaining({ at: '/branch' })] },
    });
  });

  it.each([
    [{ name: '開'.repeat(65) }, '/name'],
    [{ name: '開\ue000' }, '/name'],
    [{ branch: 'x'.repeat(65) }, '/branch'],
    [{ county: '北'.repeat(129) }, '/county'],
  ])('refuses a name the profile does not take, by the field of the form', (changes, at) => {
    expect(refusal(changes)).toMatchObject({ code: 'subjectInvalid', params: { errors: [{ at }] } });
  });
});

describe('confirmedNationalId', () => {
  it('asks for a confirmation of what is unusual only', () => {
    expect(confirmedNationalId({ confirmed: false }, NOW)).toBe(false);
    expect(confirmedNationalId({ nationalId: 'A123456789', confirmed: true }, NOW)).toBe(false);
    expect(confirmedNationalId({ nationalId: 'A123456788', confirmed: true }, NOW)).toBe(true);
    expect(() => confirmedNationalId({ nationalId: 'A123456788', confirmed: false }, NOW)).toThrow('不符合公式');
  });
});
