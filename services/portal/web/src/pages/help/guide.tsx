import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES, type PageName } from '../../../../src/page-paths.js';
import { Page } from '../../ui/page.js';

interface GuideProps {
  page: PageName;
  area: string;
  steps: readonly string[];
  notes: readonly string[];
  leadsTo: PageName;
}

/** A guide in numbered steps, with its notes (附註). */
export function Guide({ page, area, steps, notes, leadsTo }: GuideProps) {
  const { t } = useTranslation('help');
  return (
    <Page title={t(`common:pages.${page}`)} lead={t(`${area}.lead`)}>
      <ol>
        {steps.map((name) => (
          <li key={name}>{t(`${area}.steps.${name}`)}</li>
        ))}
      </ol>
      <h2>{t('notes')}</h2>
      <ul>
        {notes.map((name) => (
          <li key={name}>{t(`${area}.notes.${name}`)}</li>
        ))}
      </ul>
      <p>
        <Link className="button" to={PAGES[leadsTo]}>
          {t(`common:pages.${leadsTo}`)}
        </Link>
      </p>
    </Page>
  );
}
