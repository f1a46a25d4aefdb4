import type { PinKind } from './pin-session.js';

/** Which PINs a page asks for: the one the card has; a new one, twice. */
export const FIELDS: Record<PinKind, { old: boolean; new: boolean }> = {
  'set-pin': { old: false, new: true },
  'reset-pin': { old: false, new: true },
  'change-pin': { old: true, new: true },
  sign: { old: true, new: false },
  'check-pin': { old: true, new: false },
};
