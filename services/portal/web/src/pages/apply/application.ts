import { checkNationalId, normaliseNationalId } from '#libs/taiwan';
import { type Rules, RULES } from '../../forms/fields.js';

export type Kind = 'company' | 'branch' | 'partnership' | 'business';
export const KINDS: readonly Kind[] = ['company', 'branch', 'partnership', 'business'];

export interface Typed {
  agreed: boolean;
  kind: Kind;
  name: string;
  branch: string;
  county: string;
  ubn: string;
  certificateEmail: string;
  rank: 'primary' | 'secondary';
  representativeName: string;
  nationalId: string;
  /** In the application that is corrected now, whose number is not told again */
  nationalIdGiven: boolean;
  contactName: string;
  email: string;
  phone: string;
  address: string;
  userCode: string;
  userCodeAgain: string;
}
export const NOTHING_TYPED: Typed = {
  agreed: false,
  kind: 'company',
  ...{ name: '', branch: '', county: '', ubn: '', certificateEmail: '', rank: 'primary' },
  ...{
    representativeName: '',
    nationalId: '',
    nationalIdGiven: false,
    contactName: '',
    email: '',
    phone: '',
    address: '',
  },
  ...{ userCode: '', userCodeAgain: '' },
};
export const SECRETS = ['userCode', 'userCodeAgain'] as const;

export type Step = 'terms' | 'company' | 'contact' | 'code' | 'knownCode' | 'summary';
export const STEPS: readonly Step[] = ['terms', 'company', 'contact', 'code', 'summary'];
export const CORRECTION_STEPS: readonly Step[] = ['company', 'contact', 'knownCode', 'summary'];

const unlessEmpty = (typed: string, rule: Rules[string], name: string): Rules => (typed === '' ? {} : { [name]: rule });

/** The fields of a step that must be right before the next; a field of another kind is none. */
export function rulesOf(step: Step, typed: Typed): Rules {
  switch (step) {
    case 'terms':
      return { agreed: RULES.agreed };
    case 'company':
      return {
        ...{ kind: RULES.choice, name: RULES.name, ubn: RULES.ubn, representativeName: RULES.personName },
        ...(typed.kind === 'branch' && { branch: RULES.name }),
        ...(typed.kind === 'business' && { county: RULES.choice }),
        ...unlessEmpty(typed.certificateEmail, RULES.email, 'certificateEmail'),
        ...(typed.nationalIdGiven
          ? { nationalId: RULES.nationalId }
          : unlessEmpty(typed.nationalId, RULES.nationalId, 'nationalId')),
      };
    case 'contact':
      return { contactName: RULES.personName, email: RULES.email, phone: RULES.phone, address: RULES.address };
    case 'code':
      return { userCode: RULES.userCode, userCodeAgain: RULES.userCode };
    case 'knownCode':
      return { userCode: RULES.userCode };
    case 'summary':
      return {};
  }
}

export const allRules = (steps: readonly Step[], typed: Typed): Rules =>
  Object.assign({}, ...steps.map((step) => rulesOf(step, typed))) as Rules;

export const isUnusual = ({ nationalId }: Typed): boolean =>
  nationalId !== '' && checkNationalId(normaliseNationalId(nationalId), new Date()) === 'warning';

/** As the centre takes it. */
export function applicationOf(typed: Typed, confirmed: boolean) {
  const { kind, name, branch, county, ubn, certificateEmail, rank, userCode } = typed;
  return {
    ...{ kind, name, ubn, rank, userCode },
    ...(kind === 'branch' && { branch }),
    ...(kind === 'business' && { county }),
    ...(certificateEmail !== '' && { certificateEmail }),
    representative: {
      name: typed.representativeName,
      ...(typed.nationalId !== '' && { nationalId: typed.nationalId, confirmed }),
    },
    contact: { name: typed.contactName, email: typed.email, phone: typed.phone, address: typed.address },
  };
}

/** What the centre calls a field is not always what the form does: two people have a name. */
const FIELDS: Record<string, keyof Typed> = {
  'representative.name': 'representativeName',
  'representative.nationalId': 'nationalId',
  'contact.name': 'contactName',
  'contact.email': 'email',
  'contact.phone': 'phone',
  'contact.address': 'address',
};
export const fieldOf = (field: string): keyof Typed | undefined =>
  FIELDS[field] ?? (field in NOTHING_TYPED ? (field as keyof Typed) : undefined);
export const stepOf = (steps: readonly Step[], field: keyof Typed, typed: Typed): Step =>
  steps.find((step) => field in rulesOf(step, { ...typed, certificateEmail: 'x', nationalId: 'x' })) ?? 'company';
