import { useTranslation } from 'react-i18next';
import { answerOf } from '../../api/client.js';
import { RULES } from '../../forms/fields.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { api } from '../api.js';
import { SERVICES, type Service } from '../approvals/kinds.js';
import { useMay } from '../may.js';
import { ActForm } from '../parts/act-form.js';
import { GroundField } from '../parts/fields.js';
import { inOrder } from '../parts/in-order.js';
import { Queue } from '../parts/queue.js';
import type { AskPage } from '../parts/use-pages.js';
import type { Tell } from '../parts/use-told.js';

const STATES = ['dead', 'waiting', 'replayed', 'discarded'] as const;
type State = (typeof STATES)[number];

interface Letter {
  service: Service;
  id: string;
  topic: string;
  key: string;
  type: string | null;
  state: State;
  reason: string | null;
  attempts: number;
  createdAt: string;
  bytes: number;
  fields: string[] | null;
}

interface Replay {
  replayed: number;
  failed?: { id: string; reason: string };
}

/** Every service has the same doors; the document types each of them alike. */
const at = (service: Service) => `/api/v1/${service}/dead-letters` as '/api/v1/suspension/dead-letters';
const PAGE = 50;

/** A page of one service's letters. */
async function askPage(service: Service, state: State, after: string | number | undefined, signal: AbortSignal) {
  const query = { state, limit: PAGE, ...(after && { after: String(after) }) };
  const { items } = await answerOf(api.GET(at(service), { params: { query }, signal }));
  const found = (items as unknown as Omit<Letter, 'service'>[]).map((letter) => ({ ...letter, service }));
  return { items: found, next: found.length === PAGE ? found.at(-1)!.id : null };
}

/** Of every service, as one list. */
const ask = (state: State) =>
  inOrder(
    SERVICES.map(
      (service): AskPage<Letter> =>
        (after, signal) =>
          askPage(service, state, after, signal),
    ),
    ({ createdAt }) => createdAt,
  );

/** 未處理訊息: events that a service could not digest; later ones of the same card wait behind them. */
export default function DeadLetters() {
  const { t } = useTranslation('console');
  return (
    <Queue
      texts="deadLetters"
      states={STATES}
      ask={ask}
      keyOf={({ service, id }) => `${service}/${id}`}
      summary={(one) => (
        <>
          <strong>{one.type ?? one.topic}</strong>
          <span>{one.key}</span>
          <span>{t(`services.${one.service}`)}</span>
        </>
      )}
      content={(one, onDone) => <File letter={one} onReplayed={onDone} />}
    />
  );
}

function File({ letter, onReplayed }: { letter: Letter; onReplayed: Tell }) {
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
          [t('deadLetters.fields'), letter.fields?.join(', ') ?? '—'],
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
          onDone={({ replayed, failed }: Replay) =>
            failed
              ? onReplayed(t('deadLetters.failedAgain', failed), 'warning')
              : onReplayed(t('deadLetters.replayed', { count: replayed }))
          }
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
