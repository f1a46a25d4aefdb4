import { useTranslation } from 'react-i18next';

/** The manual's steps as a line; `current` counts from 0, at the length of it all are done. */
export function Steps({ names, current }: { names: readonly string[]; current: number }) {
  const { t } = useTranslation();
  return (
    <ol className="steps" aria-label={t('progress')}>
      {names.map((name, index) => (
        <li
          key={name}
          className={index < current ? 'done' : undefined}
          aria-current={index === current ? 'step' : undefined}
        >
          {name}
          {index < current && <span className="visually-hidden"> {t('stepDone')}</span>}
        </li>
      ))}
    </ol>
  );
}
