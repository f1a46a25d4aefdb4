import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { RULES } from '../../forms/fields.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Notice } from '../../ui/notice.js';
import { useCaller } from '../login/use-session.js';
import { letsIn } from '../../../../src/console-doors.js';
import { ActForm } from '../parts/act-form.js';
import { GroundField } from '../parts/fields.js';
import { inOrder } from '../parts/in-order.js';
import { Queue } from '../parts/queue.js';
import type { AskPage } from '../parts/use-pages.js';
import { KINDS, type State, STATES, type TwoPersons } from './kinds.js';

interface Asked {
  kind: string;
  request: TwoPersons;
}

/** What one officer asked for, and another decides: every kind of request that this person may see, as one list. */
const askOf = (roles: readonly string[]) => (state: State) => {
  const mine = Object.entries(KINDS).filter(([, { list }]) => letsIn(list, roles));
  const lists = mine.map(([kind, { ask }]): AskPage<Asked> => async (after, signal) => {
    const { items, next } = await ask(state, after, signal);
    return { items: items.map((request) => ({ kind, request })), next: next ?? null };
  });
  return inOrder(lists, ({ request }) => request.requestedAt);
};

/** 雙人覆核 */
export default function Approvals() {
  const { t } = useTranslation('console');
  const { roles } = useCaller();
  return (
    <Queue
      texts="approvals"
      states={STATES}
      ask={useMemo(() => askOf(roles), [roles])}
      keyOf={({ request }) => request.id}
      summary={(asked) => (
        <>
          <strong>
            <About {...asked} />
          </strong>
          <span>{asked.request.requestedBy}</span>
        </>
      )}
      content={(asked, onDone) => <File {...asked} onDecided={() => onDone(t('approvals.told'))} />}
    />
  );
}

function About({ kind, request }: Asked) {
  const { t } = useTranslation('console');
  const { key, values } = KINDS[kind]!.about(request);
  const { reason, cut, outcome } = values;
  return t(`approvals.about.${key}`, {
    ...values,
    ...(reason && { reason: t(`reasons.${reason}`) }),
    ...(cut && { cut: rocTime(cut) }),
    ...(outcome && { outcome: t(`returns.outcomes.${outcome}`) }),
  });
}

function File({ kind, request, onDecided }: Asked & { onDecided: () => void }) {
  const { t } = useTranslation('console');
  const { subject, roles } = useCaller();
  const { decidedAt, decidedBy, rejectionGround } = request;
  const isOpen = request.state === 'open';
  return (
    <>
      <Facts
        rows={[
          [t('approvals.what'), <About key="what" kind={kind} request={request} />],
          [t('ground'), request.ground],
          [t('approvals.requestedBy'), request.requestedBy],
          [t('approvals.requestedAt'), rocTime(request.requestedAt)],
          [t('approvals.expiresAt'), rocTime(request.expiresAt)],
          ...(decidedAt ? [[t('approvals.decided'), `${decidedBy ?? ''} ${rocTime(decidedAt)}`] as const] : []),
          ...(rejectionGround ? [[t('approvals.rejectionGround'), rejectionGround] as const] : []),
        ]}
      />
      {isOpen && request.requestedBy === subject && <Notice kind="info" title={t('approvals.own')} />}
      {isOpen && request.requestedBy !== subject && !letsIn(KINDS[kind]!.decide, roles) && (
        <Notice kind="info" title={t('approvals.notYours')} />
      )}
      {isOpen && request.requestedBy !== subject && letsIn(KINDS[kind]!.decide, roles) && (
        <Decision kind={kind} request={request} onDecided={onDecided} />
      )}
    </>
  );
}

function Decision({ kind, request, onDecided }: Asked & { onDecided: () => void }) {
  const { t } = useTranslation('console');
  const { approve, reject } = KINDS[kind]!;
  const about = <About kind={kind} request={request} />;
  return (
    <div className="acts">
      <ActForm
        label={t('approvals.approve')}
        button={t('approvals.approve')}
        isHarm
        defaults={{}}
        rules={() => ({})}
        confirm={() => ({
          title: t('approvals.approveAsk'),
          text: (
            <>
              <p className="typed">{about}</p>
              <p>{t('approvals.approveMeans')}</p>
            </>
          ),
        })}
        send={(_values, signal) => approve(request.id, signal)}
        done={t('done')}
        onDone={onDecided}
      />
      <details>
        <summary>{t('approvals.reject')}</summary>
        <ActForm<{ ground: string }>
          label={t('approvals.reject')}
          button={t('approvals.reject')}
          defaults={{ ground: '' }}
          rules={() => ({ ground: RULES.words })}
          fields={(form) => <GroundField form={form} label={t('approvals.rejectionGround')} />}
          confirm={({ ground }) => ({ title: t('approvals.rejectAsk'), text: <blockquote>{ground}</blockquote> })}
          send={({ ground }, signal) => reject(request.id, ground, signal)}
          done={t('done')}
          onDone={onDecided}
        />
      </details>
    </div>
  );
}
