import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf } from '../../api/client.js';
import { RULES } from '../../forms/fields.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Page } from '../../ui/page.js';
import { api } from '../api.js';
import { SERVICES, type Service } from '../approvals/kinds.js';
import { useMay } from '../may.js';
import { ActForm } from '../parts/act-form.js';
import { Entries } from '../parts/entries.js';
import { Filter, GroundField } from '../parts/fields.js';
import { usePages } from '../parts/use-pages.js';
import { useTold } from '../parts/use-told.js';

interface Letter {
  service: Service;
  id: string;
  topic: string;
  key: string;
  type: string | null;
  state: 'dead' | 'waiting' | 'replayed' | 'discarded';
  reason: string | null;
  attempts: number;
  createdAt: string;
  bytes: number;
  fields: string[];
}

/** Every service has the same doors; the document types each of them alike. */
const at = (service: Service) => `/api/v1/${service}/dead-letters` as '/api/v1/suspension/dead-letters';
const STATES = ['dead', 'waiting', 'replayed', 'discarded'] as const;

async function askAll(state: Letter['state'], signal: AbortSignal): Promise<{ items: Letter[] }> {
  const found = await Promise.all(
    SERVICES.map(async (service) => {
      const { items } = await answerOf(api.GET(at(service), { params: { query: { state } as never }, signal }));
      return (items as unknown as Omit<Letter, 'service'>[]).map((letter) => ({ ...letter, service }));
    }),
  );
  return { items: found.flat().sort((a, b) => a.createdAt.localeCompare(b.createdAt)) };
}

/** 未處理訊息: events that a service could not digest; later ones of the same card wait behind them. */
export default function DeadLetters() {
  const { t } = useTranslation('console');
  const { told, tell } = useTold();
  const [state, setState] = useState<Letter['state']>('dead');
  const list = usePages(useCallback((_after: unknown, signal: AbortSignal) => askAll(state, signal), [state]));
  const options = STATES.map((name) => [name, t(`deadLetters.states.${name}`)] as const);
  return (
    <Page title={t('deadLetters.title')} lead={t('deadLetters.lead')}>
      {told}
      <Filter
        label={t('stateShown')}
        value={state}
        options={options}
        onChange={(chosen) => setState(chosen as Letter['state'])}
      />
      <Entries
        key={state}
        label={t('deadLetters.title')}
        {...list}
        keyOf={({ service, id }) => `${service}/${id}`}
        summary={(one) => (
          <>
            <strong>{one.type ?? one.topic}</strong>
            <span>{one.key}</span>
            <span>{t(`services.${one.service}`)}</span>
          </>
        )}
        content={(one) => (
          <File
            letter={one}
            onReplayed={() => {
              tell(t('deadLetters.replayed'));
              list.again();
            }}
          />
        )}
      />
    </Page>
  );
}

function File({ letter, onReplayed }: { letter: Letter; onReplayed: () => void }) {
  const { t } = useTranslation('console');
  const may = useMay();
  const { service, id } = letter;
  const isOpen = letter.state === 'dead' || letter.state === 'waiting';
  return (
    <>
      <Facts
        rows={[
          [t('deadLetters.service'), t(`services.${service}`)],
          [t('deadLetters.topic'), letter.topic],
          [t('deadLetters.key'), letter.key],
          [t('deadLetters.reason'), letter.reason ?? '—'],
          [t('deadLetters.attempts'), letter.attempts],
          [t('deadLetters.createdAt'), rocTime(letter.createdAt)],
          [t('deadLetters.fields'), letter.fields.join(', ')],
        ]}
      />
      {isOpen && may('POST /api/v1/suspension/dead-letters/{id}/replay') && (
        <ActForm
          label={t('deadLetters.replay')}
          button={t('deadLetters.replay')}
          defaults={{}}
          rules={() => ({})}
          confirm={() => ({ title: t('deadLetters.replayAsk'), text: <p>{t('deadLetters.replayMeans')}</p> })}
          send={(_values, signal) =>
            answerOf(api.POST(`${at(service)}/{id}/replay`, { params: { path: { id } }, signal }))
          }
          done={t('done')}
          onDone={onReplayed}
        />
      )}
      {isOpen && may('POST /api/v1/suspension/dead-letters/{id}/discard') && (
        <details>
          <summary>{t('deadLetters.discard')}</summary>
          <ActForm<{ ground: string }>
            label={t('deadLetters.discard')}
            button={t('deadLetters.discardButton')}
            isHarm
            defaults={{ ground: '' }}
            rules={() => ({ ground: RULES.words })}
            fields={(form) => <GroundField form={form} />}
            confirm={({ ground }) => ({
              title: t('deadLetters.discardAsk'),
              text: (
                <>
                  <p>{t('deadLetters.discardMeans')}</p>
                  <blockquote>{ground}</blockquote>
                </>
              ),
            })}
            send={(body, signal) =>
              answerOf(api.POST(`${at(service)}/{id}/discard`, { params: { path: { id } }, body, signal }))
            }
            done={t('askedSecond')}
          />
        </details>
      )}
    </>
  );
}
