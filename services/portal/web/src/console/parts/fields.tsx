import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { FieldValues, Path, UseFormReturn } from 'react-hook-form';
import { Field } from '../../forms/field.js';

/** Why somebody acts: kept with the act. */
export function GroundField<T extends FieldValues & { ground: string }>({
  form,
  label,
}: {
  form: UseFormReturn<T>;
  label?: string;
}) {
  const { t } = useTranslation('console');
  return (
    <Field
      form={form}
      name={'ground' as Path<T>}
      label={label ?? t('ground')}
      hint={t('groundHint')}
      rows={3}
      maxLength={500}
    />
  );
}

/** Which of several lists, or lists of what state, is shown. */
export function Filter({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="filter">
      <div className="field">
        <label htmlFor={id}>{label}</label>
        <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
          {options.map(([key, text]) => (
            <option key={key} value={key}>
              {text}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}
