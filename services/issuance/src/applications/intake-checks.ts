import { CaError } from '#libs/errors';
import { estimateCertificateBytes, type Issuer, notAfterFor, PROFILES } from '#libs/pki';
import { checkNationalId } from '#libs/taiwan';
import { toWholeSeconds } from '#libs/clock';
import { type Applicant, businessParams, FIELD_OF } from '../certificates/subject.js';

/**
 * DOMAIN.md §4: an unusual national ID is a warning that the applicant may confirm, never a refusal.
 *
 * @returns whether it was confirmed
 * @throws CaError nationalIdUnusual, without the number
 */
export function confirmedNationalId(given: { nationalId?: string; confirmed: boolean }, now: Date): boolean {
  if (given.nationalId === undefined || checkNationalId(given.nationalId, now) === 'ok') return false;
  if (given.confirmed) return true;
  throw new CaError('nationalIdUnusual', '您所輸入之身分證字號不符合公式，確定輸入無誤？', {
    errors: [{ at: '/representative/nationalId', problem: 'format or checksum is unusual' }],
    confirmWith: '/representative/confirmed',
  });
}

/**
 * Refuses, by field name, an applicant whose certificates could not be made: before anybody has approved anything.
 *
 * @param maxCertBytes what the certificate containers of the cards in stock hold
 * @throws CaError subjectInvalid | certificateTooLarge
 */
export function checkIssuable(applicant: Applicant, issuer: Issuer, maxCertBytes: number, now: Date): void {
  const bytes = estimateBytes(applicant, issuer, now);
  if (bytes <= maxCertBytes) return;
  const at = `/${longestField(applicant)}`;
  const problem = `the certificate would have ${bytes} octets, the card takes ${maxCertBytes}`;
  throw new CaError('certificateTooLarge', `${at}: ${problem}`, { errors: [{ at, problem }], maxCertBytes });
}

/** The larger of both: the encryption certificate has a usage more. */
function estimateBytes(applicant: Applicant, issuer: Issuer, now: Date): number {
  const notBefore = toWholeSeconds(now);
  const profiles = [PROFILES.businessCardSignature, PROFILES.businessCardEncryption];
  try {
    const sizes = profiles.map((profile) => {
      const notAfter = notAfterFor(profile, notBefore, issuer.notAfter);
      return estimateCertificateBytes(
        profile,
        { ...businessParams(applicant), issuer, notBefore, notAfter },
        'rsa-2048',
      );
    });
    return Math.max(...sizes);
  } catch (error) {
    throw error instanceof CaError && error.code === 'subjectInvalid' ? byFieldName(error) : error;
  }
}

function byFieldName(error: CaError): CaError {
  const { field, problem } = error.params as { field: string; problem: string };
  const at = `/${FIELD_OF[field as keyof typeof FIELD_OF] ?? field}`;
  return new CaError('subjectInvalid', `${at}: ${problem}`, { errors: [{ at, problem }] }, { cause: error });
}

function longestField(applicant: Applicant): string {
  const fields = ['name', 'branch', 'county', 'certificateEmail'] as const;
  const bytes = (field: (typeof fields)[number]) => Buffer.byteLength(applicant[field] ?? '');
  return fields.reduce((longest, field) => (bytes(field) > bytes(longest) ? field : longest));
}
