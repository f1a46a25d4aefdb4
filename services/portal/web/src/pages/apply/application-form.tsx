import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../../api/problem.js';
import { emptySecrets } from '../../forms/field-errors.js';
import { resolverOf } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { Ask } from '../../ui/ask.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { Steps } from '../../ui/steps.js';
import { Working } from '../../ui/working.js';
import {
  allRules,
  applicationOf,
  fieldOf,
  isUnusual,
  rulesOf,
  SECRETS,
  type Step,
  stepOf,
  type Typed,
} from './application.js';
import { CodeStep, CompanyStep, ContactStep, KnownCodeStep, SummaryStep, TermsStep } from './application-steps.js';

const SCREENS = {
  ...{ terms: TermsStep, company: CompanyStep, contact: ContactStep },
  ...{ code: CodeStep, knownCode: KnownCodeStep, summary: SummaryStep },
};
/** Somebody judged the user code: it is to be typed again. */
const JUDGED = new Set(['codeRefused', 'tooManyAttempts']);

export type Application = ReturnType<typeof applicationOf>;

interface ApplicationFormProps {
  title: string;
  above?: ReactNode;
  steps: readonly Step[];
  initial: Typed;
  sendLabel: string;
  /** @param key the same until an answer has come */
  post: (order: { body: Application; key: string; signal: AbortSignal; typed: Typed }) => Promise<void>;
}

/** An application step by step, up to its summary. What was typed stays, to and fro. */
export function ApplicationForm({ title, above, steps, initial, sendLabel, post }: ApplicationFormProps) {
  const { t } = useTranslation(['apply', 'activate']);
  const { busy, problem, send, cancel, clear } = useSending();
  const [step, setStep] = useState<Step>(steps[0]!);
  const [unusual, setUnusual] = useState<Typed>();
  const key = useRef<{ of: string; value: string }>(undefined);
  const heading = useRef<HTMLHeadingElement>(null);
  const form = useForm<Typed>({
    defaultValues: initial,
    shouldUnregister: false,
    resolver: (typed, ...rest) =>
      resolverOf<Typed>(
        (values) => rulesOf(step, values),
        (values): Record<string, string> =>
          step === 'code' && values.userCode !== values.userCodeAgain ? { userCodeAgain: 'twice' } : {},
      )(typed, ...rest),
  });
  const at = steps.indexOf(step);
  const shown = useRef(step);
  useEffect(() => {
    if (shown.current !== step) heading.current?.focus();
    shown.current = step;
  }, [step]);

  const sendIt = async (typed: Typed, confirmed: boolean) => {
    const found = await send(async (signal) => {
      const body = applicationOf(typed, confirmed);
      const of = JSON.stringify(body);
      if (key.current?.of !== of) key.current = { of, value: crypto.randomUUID() };
      await post({ body, key: key.current.value, signal, typed });
      emptySecrets(form, SECRETS);
    });
    if (found) goToWrong(found, typed);
  };
  const goToWrong = (found: Problem, typed: Typed) => {
    if (found.code === 'nationalIdUnusual') return setUnusual(typed);
    if (JUDGED.has(found.code)) {
      emptySecrets(form, SECRETS);
      setStep(stepOf(steps, 'userCode', typed));
      return setTimeout(() => form.setFocus('userCode'));
    }
    const wrong = found.fields.map(fieldOf).filter((field) => field !== undefined);
    const [first] = wrong;
    if (!first) return;
    setStep(stepOf(steps, first, typed));
    for (const name of wrong)
      form.setError(name, { type: 'server', message: allRules(steps, typed)[name]?.wrong ?? 'refused' });
    setTimeout(() => form.setFocus(first));
  };
  const next = (typed: Typed) => {
    if (step !== 'summary') {
      for (const [name, value] of Object.entries(typed)) form.setValue(name as keyof Typed, value as never);
      clear();
      return setStep(steps[at + 1]!);
    }
    return isUnusual(typed) ? setUnusual(typed) : sendIt(typed, false);
  };

  const Screen = SCREENS[step];
  return (
    <Page title={title}>
      {above}
      <Steps names={steps.map((name) => t(`steps.${name}`))} current={at} />
      <h2 ref={heading} tabIndex={-1}>
        {t(`steps.${step}`)}
      </h2>
      <form onSubmit={(event) => void form.handleSubmit(next)(event)}>
        <Screen form={form} />
        {(step === 'summary' || step === 'knownCode') && (
          <ProblemNote problem={problem?.code === 'nationalIdUnusual' ? undefined : problem} />
        )}
        {busy && <Working waitsFor={t('waitsFor')} onCancel={cancel} />}
        <div className="actions">
          {at > 0 && (
            <button type="button" className="second" disabled={busy} onClick={() => setStep(steps[at - 1]!)}>
              {t('back')}
            </button>
          )}
          <button type="submit" className="primary" disabled={busy}>
            {step === 'summary' ? sendLabel : t('next')}
          </button>
        </div>
      </form>
      {unusual && (
        <Ask
          title={t('activate:unusualTitle')}
          yes={t('activate:yes')}
          no={t('activate:no')}
          onYes={() => {
            setUnusual(undefined);
            void sendIt(unusual, true);
          }}
          onNo={() => {
            setUnusual(undefined);
            setStep('company');
            setTimeout(() => form.setFocus('nationalId'));
          }}
        >
          <p className="typed">{t('activate:unusualTyped', { typed: unusual.nationalId })}</p>
          <p>{t('activate:unusualAsk')}</p>
        </Ask>
      )}
    </Page>
  );
}
