import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { Hotlines } from '../../ui/hotlines.js';
import { Notice } from '../../ui/notice.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { useAnswer } from '../../ui/use-answer.js';

const askFiles = (signal: AbortSignal) => answerOf(api.GET('/api/v1/downloads', { signal }));

/** The files that this centre offers, each with the digest to compare; or that there are none here, and whom to ask. */
export function DownloadFiles() {
  const { t } = useTranslation('help');
  const { data, problem } = useAnswer(askFiles);
  if (problem) return <ProblemNote problem={problem} />;
  if (!data) return null;
  if (data.items.length === 0) {
    return (
      <Notice kind="info" title={t('downloads.none')}>
        <p>{t('downloads.noneHow')}</p>
        <Hotlines />
      </Notice>
    );
  }
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={t('downloads.files')}>
      <table>
        <caption>{t('downloads.files')}</caption>
        <thead>
          <tr>
            {(['file', 'size', 'digest'] as const).map((name) => (
              <th key={name} scope="col">
                {t(`downloads.${name}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.items.map(({ name, bytes, sha256 }) => (
            <tr key={name}>
              <th scope="row">
                <a href={`/downloads/${encodeURIComponent(name)}`} download>
                  {name}
                </a>
              </th>
              <td>{t('downloads.bytes', { bytes: bytes.toLocaleString('en') })}</td>
              <td className="break mono small">{sha256}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
