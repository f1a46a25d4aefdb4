import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { AgentPanel } from '../../agent/agent-panel.js';
import { useAgent } from '../../agent/use-agent.js';
import { Code } from '../../ui/code.js';
import { Page } from '../../ui/page.js';
import { DownloadFiles } from './download-files.js';

/** 下載專區: the card agent, and whether it runs already. */
export function Downloads() {
  const { t } = useTranslation('help');
  const { status, look } = useAgent(true);
  return (
    <Page title={t('common:pages.downloads')} lead={t('downloads.lead')}>
      <h2>{t('downloads.agent')}</h2>
      <p>{t('downloads.agentText')}</p>
      <DownloadFiles />
      <AgentPanel status={status} look={look} />
      {status?.version && <p>{t('downloads.version', { version: status.version })}</p>}
      <h2>{t('downloads.install')}</h2>
      <ol>
        {(['package', 'settings', 'start', 'allow'] as const).map((name) => (
          <li key={name}>{t(`downloads.steps.${name}`)}</li>
        ))}
      </ol>
      <Code label={t('downloads.install')}>{`KAIKA_AGENT_ORIGINS=${location.origin} \\
KAIKA_JOB_KEY_FILE=/etc/kaika/pin-jobs.jwk.pub \\
node dist/services/card-agent/src/main.js`}</Code>
      <h2>{t('downloads.others')}</h2>
      <ul>
        <li>
          <a href="/crl/complete.crl">{t('downloads.list')}</a>
        </li>
        <li>
          <Link to={PAGES.search}>{t('common:pages.search')}</Link>
        </li>
        <li>
          <Link to={PAGES.sentIn}>{t('common:pages.sentIn')}</Link>
        </li>
      </ul>
    </Page>
  );
}
