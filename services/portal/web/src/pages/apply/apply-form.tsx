import { useEffect, useRef, useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
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
  NOTHING_TYPED,
  rulesOf,
  SECRETS,
  type Step,
  stepOf,
  STEPS,
  type Typed,
} from './application.js';
import { CodeStep, CompanyStep, ContactStep, SummaryStep, TermsStep } from './application-steps.js';
import { Received } from './received.js';

const SCREENS = { terms: TermsStep, company: CompanyStep, contact: ContactStep, code: CodeStep, summary: SummaryStep };

/** 憑證申請: terms, company data, contact, user code, summary. What was typed stays, to and fro. */
export function ApplyForm() {
  const { t } = useTranslation(['apply', 'activate']);
  const { busy, problem, send, cancel } = useSending();
  const [step, setStep] = useState<Step>('terms');
  const [unusual, setUnusual] = useState<Typed>();
  const [received, setReceived] = useState<{ caseNumber: string; typed: Typed }>();
  const key = useRef<{ of: string; value: string }>(undefined);
  const heading = useRef<HTMLHeadingElement>(null);
  const form = useForm<Typed>({
    defaultValues: NOTHING_TYPED,
    shouldUnregister: false,
    resolver: (typed, ...rest) =>
      resolverOf<Typed>(
        (values) => rulesOf(step, values),
        (values): Record<string, string> =>
          step === 'code' && values.userCode !== values.userCodeAgain ? { userCodeAgain: 'twice' } : {},
      )(typed, ...rest),
  });
  const at = STEPS.indexOf(step);
  const shown = useRef(step);
  useEffect(() => {
    if (shown.current !== step) heading.current?.focus();
    shown.current = step;
  }, [step]);

  const apply = async (typed: Typed, confirmed: boolean) => {
    const found = await send(async (signal) => {
      const body = applicationOf(typed, confirmed);
      const of = JSON.stringify(body);
      if (key.current?.of !== of) key.current = { of, value: crypto.randomUUID() };
      const { caseNumber } = await answerOf(
        api.POST('/api/v1/applications', {
          params: { header: { 'idempotency-key': key.current.value } },
          body: body as never,
          signal,
        }),
      );
      setReceived({ caseNumber, typed });
      emptySecrets(form, SECRETS);
    });
    if (found) goToWrong(found, typed);
  };
  const goToWrong = (found: Problem, typed: Typed) => {
    if (found.code === 'nationalIdUnusual') return setUnusual(typed);
    const wrong = found.fields.map(fieldOf).filter((field) => field !== undefined);
    const [first] = wrong;
    if (!first) return;
    setStep(stepOf(first, typed));
    for (const name of wrong)
      form.setError(name, { type: 'server', message: allRules(typed)[name]?.wrong ?? 'refused' });
    setTimeout(() => form.setFocus(first));
  };
  const next = (typed: Typed) => {
    if (step !== 'summary') {
      for (const [name, value] of Object.entries(typed)) form.setValue(name as keyof Typed, value as never);
      return setStep(STEPS[at + 1]!);
    }
    return isUnusual(typed) ? setUnusual(typed) : apply(typed, false);
  };

  if (received) return <Received caseNumber={received.caseNumber} typed={received.typed} />;
  const Screen = SCREENS[step];
  return (
    <Page title={t('formTitle')}>
      <Steps names={STEPS.map((name) => t(`steps.${name}`))} current={at} />
      <h2 ref={heading} tabIndex={-1}>
        {t(`steps.${step}`)}
      </h2>
      <form onSubmit={(event) => void form.handleSubmit(next)(event)}>
        <Screen form={form} />
        {step === 'summary' && <ProblemNote problem={problem?.code === 'nationalIdUnusual' ? undefined : problem} />}
        {busy && <Working waitsFor={t('waitsFor')} onCancel={cancel} />}
        <div className="actions">
          {at > 0 && (
            <button type="button" className="second" disabled={busy} onClick={() => setStep(STEPS[at - 1]!)}>
              {t('back')}
            </button>
          )}
          <button type="submit" className="primary" disabled={busy}>
            {t(step === 'summary' ? 'send' : 'next')}
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
            void apply(unusual, true);
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
