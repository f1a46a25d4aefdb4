import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { RULES } from '../../forms/fields.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { useCaller } from '../login/use-session.js';
import { letsIn } from '../../../../src/console-doors.js';
import { ActForm } from '../parts/act-form.js';
import { Entries } from '../parts/entries.js';
import { Filter, GroundField } from '../parts/fields.js';
import { usePages } from '../parts/use-pages.js';
import { useTold } from '../parts/use-told.js';
import { KINDS, type State, STATES, type TwoPersons } from './kinds.js';

interface Asked {
  kind: string;
  request: TwoPersons;
}

/** Every kind of request at once, oldest first; of each kind the first fifty, which is more than a day brings. */
async function askAll(state: State, roles: readonly string[], signal: AbortSignal): Promise<{ items: Asked[] }> {
  const mine = Object.entries(KINDS).filter(([, { list }]) => letsIn(list, roles));
  const found = await Promise.all(
    mine.map(async ([kind, { ask }]) =>
      (await ask(state, undefined, signal)).items.map((request) => ({ kind, request })),
    ),
  );
  return { items: found.flat().sort((a, b) => (a.request.requestedAt < b.request.requestedAt ? -1 : 1)) };
}

/** 雙人覆核: what one officer asked for, and another decides. */
export default function Approvals() {
  const { t } = useTranslation('console');
  const { roles } = useCaller();
  const { told, tell } = useTold();
  const [state, setState] = useState<State>('open');
  const list = usePages(
    useCallback((_after: unknown, signal: AbortSignal) => askAll(state, roles, signal), [state, roles]),
  );
  const options = STATES.map((name) => [name, t(`approvals.states.${name}`)] as const);
  return (
    <Page title={t('approvals.title')} lead={t('approvals.lead')}>
      {told}
      <Filter
        label={t('stateShown')}
        value={state}
        options={options}
        onChange={(chosen) => setState(chosen as State)}
      />
      <Entries
        key={state}
        label={t('approvals.title')}
        {...list}
        keyOf={({ request }) => request.id}
        summary={(asked) => (
          <>
            <strong>
              <About {...asked} />
            </strong>
            <span>{asked.request.requestedBy}</span>
          </>
        )}
        content={(asked) => (
          <File
            {...asked}
            onDecided={() => {
              tell(t('approvals.told'));
              list.again();
            }}
          />
        )}
      />
    </Page>
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
