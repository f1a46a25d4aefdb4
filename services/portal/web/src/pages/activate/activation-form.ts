import { checkNationalId, normaliseNationalId } from '#libs/taiwan';
import { type Rules, RULES } from '../../forms/fields.js';
import { compactDate, type RocBoxes } from '../../forms/roc-date-field.js';
import type { Person, Way, Witness } from './use-activation.js';

export interface Typed extends RocBoxes {
  userCode: string;
  nationalId: string;
  email: string;
  newUserCode: string;
  newUserCodeAgain: string;
  whatIsWrong: string;
}
export const NOTHING_TYPED: Typed = {
  userCode: '',
  nationalId: '',
  ...{ birthYear: '', birthMonth: '', birthDay: '' },
  ...{ email: '', newUserCode: '', newUserCodeAgain: '' },
  whatIsWrong: '',
};
/** What is emptied once it was judged. */
export const SECRETS = ['userCode', 'nationalId', 'birthYear', 'birthMonth', 'birthDay', 'newUserCode', 'newUserCodeAgain'] as const; // prettier-ignore

export type Intent = 'accept' | 'refuse' | 'resume';

export function rulesOf(way: Way, intent: Intent): Rules {
  if (intent === 'resume') return { userCode: RULES.userCode };
  const witness: Rules = way === 'A' ? { userCode: RULES.userCode } : { nationalId: RULES.nationalId };
  if (intent === 'refuse') return { ...witness, whatIsWrong: RULES.longWords };
  return way === 'A'
    ? witness
    : { ...witness, email: RULES.email, newUserCode: RULES.newUserCode, newUserCodeAgain: RULES.newUserCode };
}

/** Fields that only together are right or wrong. */
export function together(way: Way, intent: Intent) {
  return (typed: Typed): Record<string, string> => {
    if (way === 'A' || intent === 'resume') return {};
    const compact = compactDate(typed);
    const birth: Record<string, string> = RULES.birthDate.schema.safeParse(compact).success
      ? {}
      : { birthYear: compact === '' ? 'empty' : 'birthDate' };
    const differ = intent === 'accept' && typed.newUserCode !== typed.newUserCodeAgain;
    return differ ? { ...birth, newUserCodeAgain: 'twice' } : birth;
  };
}

export const personOf = (way: Way, typed: Typed): Person =>
  way === 'A'
    ? { userCode: typed.userCode }
    : {
        ...{ nationalId: typed.nationalId, birthDate: compactDate(typed) },
        ...{ email: typed.email, newUserCode: typed.newUserCode, newUserCodeAgain: typed.newUserCodeAgain },
      };
export const witnessOf = (way: Way, typed: Typed): Witness =>
  way === 'A' ? { userCode: typed.userCode } : { nationalId: typed.nationalId, birthDate: compactDate(typed) };

/** 您所輸入之身分證字號不符合公式: a warning the holder may confirm, told before anything is sent. */
export const isUnusual = (way: Way, typed: Typed): boolean =>
  way === 'B' && checkNationalId(normaliseNationalId(typed.nationalId), new Date()) === 'warning';
