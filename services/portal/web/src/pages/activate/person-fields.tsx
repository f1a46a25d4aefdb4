import type { UseFormReturn } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { Field, SecretField } from '../../forms/field.js';
import { RocDateField } from '../../forms/roc-date-field.js';
import type { Typed } from './activation-form.js';
import type { Way } from './use-activation.js';

interface FieldsProps {
  form: UseFormReturn<Typed>;
}

/** Who opens the card: the user code (way A), or the responsible person's ID and birth date (way B). */
export function PersonFields({ form, way }: FieldsProps & { way: Way }) {
  const { t } = useTranslation('activate');
  if (way === 'A') {
    return <SecretField form={form} name="userCode" label={t('userCode')} hint={t('userCodeHint')} maxLength={10} />;
  }
  return (
    <>
      <Field form={form} name="nationalId" label={t('nationalId')} maxLength={24} />
      <RocDateField form={form} legend={t('birthDate')} />
    </>
  );
}

/** Way B: what is set with the acceptance. */
export function SettingsFields({ form }: FieldsProps) {
  const { t } = useTranslation('activate');
  return (
    <fieldset>
      <legend>{t('settings')}</legend>
      <p className="small">{t('settingsHint')}</p>
      <Field
        form={form}
        name="email"
        label={t('email')}
        type="text"
        inputMode="email"
        autoComplete="email"
        maxLength={254}
      />
      <SecretField form={form} name="newUserCode" label={t('newUserCode')} hint={t('caseHint')} maxLength={10} />
      <SecretField form={form} name="newUserCodeAgain" label={t('newUserCodeAgain')} maxLength={10} />
      <p className="small">{t('userCodeUse')}</p>
    </fieldset>
  );
}

export function WrongDataFields({ form }: FieldsProps) {
  const { t } = useTranslation('activate');
  return (
    <Field
      form={form}
      name="whatIsWrong"
      label={t('whatIsWrong')}
      hint={t('whatIsWrongHint')}
      rows={4}
      maxLength={1000}
    />
  );
}

export function ResumeFields({ form }: FieldsProps) {
  const { t } = useTranslation('activate');
  return <SecretField form={form} name="userCode" label={t('userCode')} hint={t('resumeHint')} maxLength={10} />;
}
