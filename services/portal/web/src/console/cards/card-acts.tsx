import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { answerOf } from '../../api/client.js';
import { Field } from '../../forms/field.js';
import { RULES } from '../../forms/fields.js';
import { api, once } from '../api.js';
import { useMay } from '../may.js';
import { ActForm } from '../parts/act-form.js';
import { Entry } from '../parts/entries.js';
import { GroundField } from '../parts/fields.js';
import { Unlock } from './unlock.js';

const HOLDERS = ['ca', 'court'] as const;
const REASONS = ['affiliationChanged', 'superseded', 'cessationOfOperation', 'keyCompromise', 'privilegeWithdrawn'] as const; // prettier-ignore

interface ActProps {
  number: string;
  onDone: () => void;
}

/** What this person may do with a card; nothing is shown of what they may not. */
export function CardActs(props: ActProps) {
  const { t } = useTranslation('console');
  const may = useMay();
  const canHold = may('POST /api/v1/cards/{n}/hold');
  const canUnlock = may('POST /api/v1/cards/{n}/unlock-requests');
  return (
    <section className="acts" aria-labelledby="acts">
      <h2 id="acts">{t('cards.whatToDo')}</h2>
      {!canHold && <p>{t('cards.onlyOfficers')}</p>}
      {canHold && (
        <>
          <Entry summary={t('cards.hold')}>{() => <Hold {...props} act="hold" />}</Entry>
          <Entry summary={t('cards.release')}>{() => <Hold {...props} act="release" />}</Entry>
          <Entry summary={t('cards.revoke')}>{() => <Revoke {...props} />}</Entry>
          <Entry summary={t('cards.extend')}>{() => <Extend {...props} />}</Entry>
        </>
      )}
      {canUnlock && <Entry summary={t('cards.unlock')}>{() => <Unlock {...props} />}</Entry>}
    </section>
  );
}

function Hold({ number, act, onDone }: ActProps & { act: 'hold' | 'release' }) {
  const { t } = useTranslation('console');
  return (
    <ActForm<{ holder: (typeof HOLDERS)[number]; ground: string }>
      label={t(`cards.${act}`)}
      button={t(`cards.${act}`)}
      isHarm={act === 'hold'}
      defaults={{ holder: 'ca', ground: '' }}
      rules={() => ({ holder: RULES.choice, ground: RULES.words })}
      fields={(form) => (
        <>
          <Field
            form={form}
            name="holder"
            label={t('cards.holder')}
            options={HOLDERS.map((one) => [one, t(`holders.${one}`)])}
          />
          <GroundField form={form} />
        </>
      )}
      confirm={({ holder, ground }) => ({
        title: t(`cards.${act}Ask`, { number }),
        text: (
          <>
            <p>{t(`cards.${act}Means`, { whose: t(`holders.${holder}`) })}</p>
            <blockquote>{ground}</blockquote>
          </>
        ),
      })}
      send={(body, signal) =>
        answerOf(
          act === 'hold'
            ? api.POST('/api/v1/cards/{n}/hold', { params: { path: { n: number }, header: once() }, body, signal })
            : api.POST('/api/v1/cards/{n}/release', { params: { path: { n: number }, header: once() }, body, signal }),
        )
      }
      done={t(`cards.${act}Done`)}
      onDone={onDone}
    />
  );
}

function Revoke({ number, onDone }: ActProps) {
  const { t } = useTranslation('console');
  return (
    <ActForm<{ reason: (typeof REASONS)[number]; ground: string }>
      label={t('cards.revoke')}
      button={t('cards.revokeButton')}
      isHarm
      defaults={{ reason: 'affiliationChanged', ground: '' }}
      rules={() => ({ reason: RULES.choice, ground: RULES.words })}
      fields={(form) => (
        <>
          <p>{t('cards.revokeLead')}</p>
          <Field
            form={form}
            name="reason"
            label={t('cards.reason')}
            options={REASONS.map((one) => [one, t(`reasons.${one}`)])}
          />
          <GroundField form={form} />
        </>
      )}
      confirm={({ reason, ground }) => ({
        title: t('cards.revokeAsk', { number }),
        text: (
          <>
            <p>{t('cards.revokeMeans', { reason: t(`reasons.${reason}`) })}</p>
            <blockquote>{ground}</blockquote>
          </>
        ),
      })}
      send={(body, signal) =>
        answerOf(
          api.POST('/api/v1/cards/{n}/revocation', { params: { path: { n: number }, header: once() }, body, signal }),
        )
      }
      done={t('cards.revokeDone')}
      onDone={onDone}
    />
  );
}

function Extend({ number, onDone }: ActProps) {
  const { t } = useTranslation('console');
  return (
    <ActForm<{ until: string; ground: string }>
      label={t('cards.extend')}
      button={t('cards.extend')}
      defaults={{ until: '', ground: '' }}
      rules={() => ({ until: { schema: z.iso.date(), wrong: 'required' }, ground: RULES.words })}
      fields={(form) => (
        <>
          <Field form={form} name="until" type="date" label={t('cards.until')} />
          <GroundField form={form} />
        </>
      )}
      confirm={({ until, ground }) => ({
        title: t('cards.extendAsk', { number, until }),
        text: <blockquote>{ground}</blockquote>,
      })}
      send={(body, signal) =>
        answerOf(
          api.POST('/api/v1/cards/{n}/acceptance-deadline', {
            params: { path: { n: number }, header: once() },
            body,
            signal,
          }),
        )
      }
      done={t('done')}
      onDone={onDone}
    />
  );
}
