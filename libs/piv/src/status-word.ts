import { CaError } from '#libs/errors';

/** Status words of SP 800-73-5 part 2, tables 1 and 2. */
export const SW = {
  OK: 0x9000,
  /** 63Cx: the reference data is wrong, x tries are left. */
  TRIES_LEFT: 0x63c0,
  WRONG_LENGTH: 0x6700,
  CHAINING_BROKEN: 0x6883,
  SECURITY_STATUS: 0x6982,
  BLOCKED: 0x6983,
  WRONG_DATA: 0x6a80,
  NOT_SUPPORTED: 0x6a81,
  NOT_FOUND: 0x6a82,
  NO_MEMORY: 0x6a84,
  WRONG_P1P2: 0x6a86,
  REFERENCE_NOT_FOUND: 0x6a88,
  WRONG_INS: 0x6d00,
  WRONG_CLA: 0x6e00,
} as const;

export const swText = (sw: number) => sw.toString(16).toUpperCase().padStart(4, '0');

/** Tries left of a 63Cx; a blocked card (6983) has none; otherwise undefined. */
export function triesOf(sw: number): number | undefined {
  if (sw === SW.BLOCKED) return 0;
  return (sw & 0xfff0) === SW.TRIES_LEFT ? sw & 0xf : undefined;
}

/**
 * What a refusing status word means to our callers. Never carries data of the command.
 *
 * @param doing what was asked of the card, for the error's text: "reading its certificate"
 */
export function cardError(sw: number, doing: string): CaError {
  const params = { sw: swText(sw) };
  if (sw === SW.BLOCKED || sw === SW.TRIES_LEFT)
    return new CaError('cardBlocked', `the PIN is blocked: ${doing}`, params);
  const triesLeft = triesOf(sw);
  if (triesLeft !== undefined) {
    return new CaError('pinRefused', `the card refused the PIN: ${doing}`, { ...params, triesLeft });
  }
  return new CaError('cardCommunication', `the card answered ${swText(sw)}: ${doing}`, params);
}
