import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { RULES } from '../../forms/fields.js';
import { LookUpForm } from '../../forms/look-up-form.js';
import type { Kind } from './application.js';

export interface Progress {
  caseNumber: string;
  state: string;
  receivedAt: string;
  decidedAt: string | null;
  reason: string | null;
  card: { cardNumber: string; state: string; registeredMail: string | null } | null;
  /** What it said, while it is sent back. */
  correction: {
    kind: Kind;
    name: string;
    branch: string | null;
    county: string | null;
    ubn: string;
    certificateEmail: string | null;
    rank: 'primary' | 'secondary';
    representative: { name: string; nationalIdGiven: boolean };
    contact: { name: string; email: string; phone: string; address: string };
  } | null;
}

/** The user code goes in a header, never into an address. @throws Problem */
export async function askProgress(caseNumber: string, userCode: string, signal: AbortSignal): Promise<Progress> {
  const params = { path: { case: caseNumber }, header: { 'X-User-Code': userCode } };
  return (await answerOf(api.GET('/api/v1/applications/{case}', { params, signal }))) as Progress;
}

interface ApplicationLookUpProps<A> {
  button: string;
  ask: (caseNumber: string, userCode: string, signal: AbortSignal) => Promise<A>;
  children: (found: A) => ReactNode;
}

/** What its applicant may be told or given: for the case number and the user code. */
export function ApplicationLookUp<A>({ button, ask, children }: ApplicationLookUpProps<A>) {
  const { t } = useTranslation('apply');
  return (
    <LookUpForm
      fields={[
        { name: 'case', label: t('caseNumber'), hint: t('caseHint'), maxLength: 24, rule: RULES.applicationCase },
        { name: 'userCode', label: t('userCode'), maxLength: 10, rule: RULES.userCode, isSecret: true },
      ]}
      button={button}
      ask={(typed, signal) => ask(typed['case']!, typed['userCode']!, signal)}
    >
      {children}
    </LookUpForm>
  );
}
