import { type HTMLInputTypeAttribute, type ReactNode, useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { FieldValues, Path, UseFormReturn } from 'react-hook-form';

interface FieldProps<T extends FieldValues> {
  form: UseFormReturn<T>;
  name: Path<T>;
  label: ReactNode;
  hint?: ReactNode;
  type?: HTMLInputTypeAttribute;
  autoComplete?: string;
  inputMode?: 'numeric' | 'email' | 'tel' | 'text';
  maxLength?: number;
  rows?: number;
  options?: readonly (readonly [value: string, label: string])[];
  disabled?: boolean;
}

/** One field with its label, its hint, and what is wrong right beside it; its id is its own, whatever else is on the page. */
export function Field<T extends FieldValues>(props: FieldProps<T>) {
  const { form, name, label, hint, options, rows, ...input } = props;
  const { t } = useTranslation('errors');
  const wrong = form.formState.errors[name]?.message as string | undefined;
  const id = useId();
  const shared = {
    id,
    'aria-invalid': wrong !== undefined,
    'aria-describedby':
      [hint !== undefined && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ') || undefined,
    ...form.register(name),
    disabled: input.disabled,
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
        <input
          spellCheck={false}
          autoCapitalize="none"
          autoComplete={input.autoComplete ?? 'off'}
          {...input}
          {...shared}
        />
      )}
      {wrong && (
        <p className="wrong" id={`${id}-wrong`}>
          {t(`fields.${wrong}`)}
        </p>
      )}
    </div>
  );
}

/** A secret: never filled in by the browser, never kept. */
export function SecretField<T extends FieldValues>(props: FieldProps<T>) {
  return <Field {...props} type="password" autoComplete="off" />;
}

interface ChoicesProps<T extends FieldValues> {
  form: UseFormReturn<T>;
  name: Path<T>;
  legend: ReactNode;
  options: readonly (readonly [value: string, label: string])[];
}

export function Choices<T extends FieldValues>({ form, name, legend, options }: ChoicesProps<T>) {
  const { t } = useTranslation('errors');
  const wrong = form.formState.errors[name]?.message as string | undefined;
  const id = useId();
  return (
    <fieldset className="field" aria-describedby={wrong && `${id}-wrong`}>
      <legend>{legend}</legend>
      <div className="choices">
        {options.map(([value, label]) => (
          <label key={value}>
            <input type="radio" value={value} aria-invalid={wrong !== undefined} {...form.register(name)} />
            {label}
          </label>
        ))}
      </div>
      {wrong && (
        <p className="wrong" id={`${id}-wrong`}>
          {t(`fields.${wrong}`)}
        </p>
      )}
    </fieldset>
  );
}
