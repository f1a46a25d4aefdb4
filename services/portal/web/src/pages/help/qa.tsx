import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES, type PageName } from '../../../../src/page-paths.js';
import { Hotlines } from '../../ui/hotlines.js';
import { Page } from '../../ui/page.js';

/** The manual's table of errors, and what else people ask. */
const QUESTIONS: readonly (readonly [name: string, see?: PageName])[] = [
  ['3005', 'userCodeForgotten'],
  ['27011', 'sentIn'],
  ['noCard', 'selfCheck'],
  ['3125', 'activate'],
  ['4931', 'apply'],
  ['unknownCard', 'sentIn'],
  ['noReaction', 'selfCheck'],
  ['forgottenPin', 'pinForgotten'],
  ['checkSuspension', 'statusHelp'],
  ['oldCard'],
];

export function Questions() {
  const { t } = useTranslation('help');
  return (
    <Page title={t('common:pages.qa')} lead={t('qa.lead')}>
      {QUESTIONS.map(([name, see]) => (
        <details key={name}>
          <summary>{t(`qa.questions.${name}`)}</summary>
          <p>{t(`qa.answers.${name}`)}</p>
          {see && (
            <p>
              <Link to={PAGES[see]}>{t(`common:pages.${see}`)}</Link>
            </p>
          )}
        </details>
      ))}
      <h2>{t('common:hotlines')}</h2>
      <Hotlines />
    </Page>
  );
}
