import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { asciiUpperCase } from '#libs/taiwan';

/** Crockford's: no I, L, O, U, which are taken for 1, 1, 0 and V. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 10;

/**
 * What is printed on a slip beside the case number and opens the case to whoever has the slip: 50 random bits, so that it
 * needs no scrypt, and nothing personal, so that it tells nothing. Two groups of five: `7K3QD-0M9XA`.
 */
export function newSlipCode(): string {
  const characters = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]!);
  return `${characters.slice(0, 5).join('')}-${characters.slice(5).join('')}`;
}

/** What is stored of it: bound to its case, read as people write it. */
export function slipDigest(caseNumber: string, code: string): Buffer {
  return createHash('sha256')
    .update(`kaika/slip/v1 ${caseNumber} ${readSlipCode(code)}`)
    .digest();
}

/** As it is printed, however it was typed. */
export const printedSlipCode = (code: string): string => readSlipCode(code).replace(/^(.{5})(?=.{5}$)/, '$1-');

const readSlipCode = (code: string) =>
  asciiUpperCase(code.replace(/[ \t-]/g, ''))
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');

export const isSlipCode = (digest: Buffer, caseNumber: string, code: string): boolean =>
  timingSafeEqual(digest, slipDigest(caseNumber, code));
