import { type UseFormReturn, useWatch } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { COUNTIES } from '#libs/taiwan';
import { Choices, Field, SecretField } from '../../forms/field.js';
import { Facts } from '../../ui/facts.js';
import { KINDS, type Typed } from './application.js';

interface StepProps {
  form: UseFormReturn<Typed>;
}

export function TermsStep({ form }: StepProps) {
  const { t } = useTranslation(['apply', 'errors']);
  const wrong = form.formState.errors.agreed?.message;
  return (
    <>
      <ol>
        {(['purpose', 'data', 'duty', 'code', 'card'] as const).map((name) => (
          <li key={name}>{t(`terms.${name}`)}</li>
        ))}
      </ol>
      <div className="field">
        <label className="check" htmlFor="field-agreed">
          <input
            id="field-agreed"
            type="checkbox"
            aria-invalid={wrong !== undefined}
            aria-describedby={wrong && 'field-agreed-wrong'}
            {...form.register('agreed')}
          />
          <span>{t('agree')}</span>
        </label>
        {wrong && (
          <p className="wrong" id="field-agreed-wrong">
            {t(`errors:fields.${wrong}`)}
          </p>
        )}
      </div>
    </>
  );
}

export function CompanyStep({ form }: StepProps) {
  const { t } = useTranslation('apply');
  const kind = useWatch({ control: form.control, name: 'kind' });
  return (
    <>
      <Choices
        form={form}
        name="kind"
        legend={t('kind')}
        options={KINDS.map((name) => [name, t(`kinds.${name}`)] as const)}
      />
      <Field form={form} name="name" label={t('name')} hint={t('nameHint')} autoComplete="organization" />
      {kind === 'branch' && <Field form={form} name="branch" label={t('branch')} />}
      {kind === 'business' && (
        <Field
          form={form}
          name="county"
          label={t('county')}
          options={[['', t('chooseCounty')], ...COUNTIES.map((name) => [name, name] as const)]}
        />
      )}
      <Field form={form} name="ubn" label={t('ubn')} inputMode="numeric" maxLength={8} />
      <Field
        form={form}
        name="certificateEmail"
        label={t('certificateEmail')}
        hint={t('certificateEmailHint')}
        inputMode="email"
      />
      <Choices
        form={form}
        name="rank"
        legend={t('rank')}
        options={[
          ['primary', t('ranks.primary')],
          ['secondary', t('ranks.secondary')],
        ]}
      />
      <Field form={form} name="representativeName" label={t('representativeName')} maxLength={64} />
      {form.getValues('nationalIdGiven') ? (
        <Field
          form={form}
          name="nationalId"
          label={t('nationalIdAgain')}
          hint={t('nationalIdAgainHint')}
          maxLength={24}
        />
      ) : (
        <Field form={form} name="nationalId" label={t('nationalId')} hint={t('nationalIdHint')} maxLength={24} />
      )}
    </>
  );
}

export function ContactStep({ form }: StepProps) {
  const { t } = useTranslation('apply');
  return (
    <>
      <Field form={form} name="contactName" label={t('contactName')} autoComplete="name" maxLength={64} />
      <Field form={form} name="email" label={t('email')} inputMode="email" autoComplete="email" />
      <Field form={form} name="phone" label={t('phone')} inputMode="tel" autoComplete="tel" maxLength={30} />
      <Field form={form} name="address" label={t('address')} hint={t('addressHint')} autoComplete="street-address" />
    </>
  );
}

export function CodeStep({ form }: StepProps) {
  const { t } = useTranslation('apply');
  return (
    <>
      <p>{t('codeLead')}</p>
      <SecretField form={form} name="userCode" label={t('userCode')} hint={t('userCodeHint')} maxLength={10} />
      <SecretField form={form} name="userCodeAgain" label={t('userCodeAgain')} maxLength={10} />
    </>
  );
}

export function KnownCodeStep({ form }: StepProps) {
  const { t } = useTranslation('apply');
  return (
    <>
      <p>{t('knownCodeLead')}</p>
      <SecretField form={form} name="userCode" label={t('userCode')} maxLength={10} />
    </>
  );
}

/** Everything but the user code, which is on no screen and no paper. */
export function SummaryStep({ form }: StepProps) {
  return <Summary typed={form.getValues()} />;
}

export function Summary({ typed }: { typed: Typed }) {
  const { t } = useTranslation('apply');
  return (
    <Facts
      rows={[
        [t('kind'), t(`kinds.${typed.kind}`)],
        [t('name'), typed.name],
        ...(typed.kind === 'branch' ? [[t('branch'), typed.branch] as const] : []),
        ...(typed.kind === 'business' ? [[t('county'), typed.county] as const] : []),
        [t('ubn'), typed.ubn],
        [t('certificateEmail'), typed.certificateEmail || t('none')],
        [t('rank'), t(`ranks.${typed.rank}`)],
        [t('representativeName'), typed.representativeName],
        [t('contactName'), typed.contactName],
        [t('email'), typed.email],
        [t('phone'), typed.phone],
        [t('address'), typed.address],
        [t('userCode'), t('codeChosen')],
      ]}
    />
  );
}
