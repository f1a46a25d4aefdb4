import { useTranslation } from 'react-i18next';
import { answerOf } from '../../api/client.js';
import { RULES } from '../../forms/fields.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Notice } from '../../ui/notice.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { useAnswer } from '../../ui/use-answer.js';
import { api } from '../api.js';
import { useMay } from '../may.js';
import { ActForm } from '../parts/act-form.js';
import { GroundField } from '../parts/fields.js';

const ask = (signal: AbortSignal) => answerOf(api.GET('/api/v1/crls/held', { signal }));
type HeldList = Awaited<ReturnType<typeof ask>>['items'][number];

/** What the gate holds back, and why; two persons may let exactly that list go. */
export function Held() {
  const { t } = useTranslation('console');
  const { data, problem } = useAnswer(ask);
  if (problem) return <ProblemNote problem={problem} />;
  if (!data) return <p className="loading">{t('common:loading')}</p>;
  if (data.items.length === 0) return <Notice kind="good" title={t('list.nothingHeld')} />;
  return data.items.map((one) => <One key={one.cut} held={one} />);
}

function One({ held }: { held: HeldList }) {
  const { t } = useTranslation('console');
  const may = useMay();
  const { cut, number, problem, report } = held;
  const counts = ({ added, gone, changed }: { added: number; gone: number; changed: number }) =>
    t('list.counts', { added, gone, changed });
  return (
    <Notice kind="warning" title={t('list.isHeld', { cut: rocTime(cut) })}>
      <Facts
        rows={[
          [t('list.number'), number],
          [t('list.why'), problem],
          ...(report
            ? [
                [t('list.allDifferences'), counts(report.differences)] as const,
                [t('list.unexplained'), counts(report.unexplainedCount)] as const,
                [
                  t('list.unexplainedSerials'),
                  <ul key="serials" className="mono">
                    {[...report.unexplained.added, ...report.unexplained.gone, ...report.unexplained.changed].map(
                      (serial) => (
                        <li key={serial}>{serial}</li>
                      ),
                    )}
                  </ul>,
                ] as const,
              ]
            : []),
        ]}
      />
      {report && may('POST /api/v1/crls/held/{cut}/release') && (
        <ActForm<{ ground: string }>
          label={t('list.release')}
          button={t('list.release')}
          isHarm
          defaults={{ ground: '' }}
          rules={() => ({ ground: RULES.words })}
          fields={(form) => <GroundField form={form} />}
          confirm={({ ground }) => ({
            title: t('list.releaseAsk'),
            text: (
              <>
                <p>{t('list.releaseMeans', { count: report.exact.count })}</p>
                <blockquote>{ground}</blockquote>
              </>
            ),
          })}
          send={({ ground }, signal) =>
            answerOf(
              api.POST('/api/v1/crls/held/{cut}/release', {
                params: { path: { cut } },
                body: { ground, digest: report.exact.digest },
                signal,
              }),
            )
          }
          done={t('list.releaseDone')}
        />
      )}
    </Notice>
  );
}
