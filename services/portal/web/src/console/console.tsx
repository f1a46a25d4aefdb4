import { useTranslation } from 'react-i18next';

/** The officers' pages. */
export function Console() {
  const { t } = useTranslation('console');
  return (
    <main id="content">
      <h1>{t('title')}</h1>
    </main>
  );
}
