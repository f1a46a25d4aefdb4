import { useTranslation } from 'react-i18next';
import type { FieldValues, Path, UseFormReturn } from 'react-hook-form';

/** 民國 年 月 日: three boxes, which make one compact date (YYYMMDD) when the form is sent. */
export interface RocBoxes {
  birthYear: string;
  birthMonth: string;
  birthDay: string;
}

export const compactDate = ({ birthYear, birthMonth, birthDay }: RocBoxes) =>
  birthYear && birthMonth && birthDay
    ? `${birthYear.trim().padStart(3, '0')}${birthMonth.trim().padStart(2, '0')}${birthDay.trim().padStart(2, '0')}`
    : '';

const BOXES = ['birthYear', 'birthMonth', 'birthDay'] as const;

export function RocDateField<T extends FieldValues & RocBoxes>({
  form,
  legend,
}: {
  form: UseFormReturn<T>;
  legend: string;
}) {
  const { t } = useTranslation(['activate', 'errors']);
  const errors = form.formState.errors as Partial<Record<string, { message?: string }>>;
  const wrong = BOXES.map((name) => errors[name]?.message).find(Boolean);
  return (
    <fieldset className="field" aria-describedby={wrong && 'birth-wrong'}>
      <legend>{legend}</legend>
      <div className="boxes">
        <span>{t('rocEra')}</span>
        {BOXES.map((name) => (
          <label key={name}>
            <input
              inputMode="numeric"
              autoComplete="off"
              maxLength={name === 'birthYear' ? 3 : 2}
              aria-invalid={wrong !== undefined}
              {...form.register(name as Path<T>)}
            />
            {t(name)}
          </label>
        ))}
      </div>
      {wrong && (
        <p className="wrong" id="birth-wrong">
          {t(`errors:fields.${wrong}`)}
        </p>
      )}
    </fieldset>
  );
}
