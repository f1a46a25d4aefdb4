import { type HTMLInputTypeAttribute, type ReactNode, useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { FieldValues, Path, UseFormReturn } from 'react-hook-form';

interface ActFieldProps<T extends FieldValues> {
  form: UseFormReturn<T>;
  name: Path<T>;
  label: string;
  hint?: ReactNode;
  type?: HTMLInputTypeAttribute;
  rows?: number;
  maxLength?: number;
  options?: readonly (readonly [value: string, label: string])[];
}

/** A field of one of several forms on a page: its own id, whatever its name. */
export function ActField<T extends FieldValues>({
  form,
  name,
  label,
  hint,
  options,
  rows,
  ...input
}: ActFieldProps<T>) {
  const { t } = useTranslation('errors');
  const id = useId();
  const wrong = form.formState.errors[name]?.message as string | undefined;
  const shared = {
    id,
    'aria-invalid': wrong !== undefined,
    'aria-describedby':
      [hint !== undefined && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ') || undefined,
    ...form.register(name),
  };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {hint !== undefined && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {options ? (
        <select {...shared}>
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      ) : rows ? (
        <textarea rows={rows} maxLength={input.maxLength} {...shared} />
      ) : (
        <input spellCheck={false} autoComplete="off" {...input} {...shared} />
      )}
      {wrong && (
        <p className="wrong" id={`${id}-wrong`}>
          {t(`fields.${wrong}`)}
        </p>
      )}
    </div>
  );
}

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
    <ActField
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
