import { useTranslation } from 'react-i18next';
import { rocTime } from '../../ui/dates.js';
import type { CardFile } from './ask-card.js';

interface Moment {
  at: string;
  /** Of what is at the same moment, what comes first. */
  order: number;
  kind: 'plain' | 'good' | 'warn' | 'bad';
  text: string;
  ground?: string;
}

const KIND_OF_CHANGE = { accepted: 'good', suspended: 'warn', resumed: 'good', revoked: 'bad' } as const;

/** A card's whole life, from every owner, the oldest moment first. */
export function Timeline({ file }: { file: CardFile }) {
  const { t } = useTranslation('console');
  const moments = useMoments(file);
  if (moments.length === 0) return <p>{t('cards.noHistory')}</p>;
  return (
    <ol className="timeline" aria-label={t('cards.history')}>
      {moments.map(({ at, kind, text, ground }, index) => (
        <li key={index} className={kind}>
          <time dateTime={at}>{rocTime(at)}</time>
          {text}
          {ground !== undefined && <blockquote>{ground}</blockquote>}
        </li>
      ))}
    </ol>
  );
}

function useMoments({ production, status, evidence, unlocks }: CardFile): Moment[] {
  const { t } = useTranslation('console');
  const whose = (holder: string | null) => (holder ? t(`holders.${holder}`) : '');
  const moments: Moment[] = [
    ...(production?.steps ?? []).flatMap(({ step, begunAt, doneAt }): Moment[] => [
      {
        at: doneAt ?? begunAt,
        order: 0,
        kind: doneAt ? 'plain' : 'warn',
        text: t(doneAt ? 'cards.moments.step' : 'cards.moments.stepBegun', {
          step: t(`cards.steps.${step}`, { defaultValue: step }),
        }),
      },
    ]),
    ...(production?.issuedAt ? [{ at: production.issuedAt, order: 1, kind: 'good', text: t('cards.moments.issued') } as const] : []), // prettier-ignore
    ...(production?.dispatchedAt
      ? [{ at: production.dispatchedAt, order: 2, kind: 'plain', text: t('cards.moments.dispatched', { mail: production.registeredMail ?? '' }) } as const] // prettier-ignore
      : []),
    ...(evidence?.items ?? []).map(({ at, act, slot, unusualIdConfirmed }): Moment => ({
      at,
      order: 3,
      kind: 'plain',
      text: t('cards.moments.signed', {
        act: t(`cards.evidence.${act}`, { defaultValue: act }),
        slot,
        note: unusualIdConfirmed ? t('cards.moments.unusualId') : '',
      }),
    })),
    ...(status?.changes ?? []).map(({ at, kind, holder, reason }): Moment => ({
      at,
      order: 4,
      kind: KIND_OF_CHANGE[kind],
      text: t(`cards.moments.${kind}`, { whose: whose(holder), reason: reason ? t(`reasons.${reason}`) : '' }),
    })),
    ...(status?.acts ?? []).map(({ at, act, by, ground, request }): Moment => ({
      at,
      order: 5,
      kind: 'plain',
      text: t(request ? 'cards.moments.actOfTwo' : 'cards.moments.act', { act: t(`cards.acts.${act}`), by }),
      ground,
    })),
    ...(unlocks ?? []).flatMap((request): Moment[] => {
      const { ground, requestedAt, requestedBy, decidedAt, decidedBy, rejectionGround } = request;
      const told = (at: string, what: string, by: string | null, why: string | null): Moment => ({
        ...{ at, order: 5, kind: 'plain', text: t(`cards.moments.${what}`, { by }) },
        ...(why !== null && { ground: why }),
      });
      return [
        told(requestedAt, 'unlockAsked', requestedBy, ground),
        ...(decidedAt ? [told(decidedAt, rejectionGround === null ? 'unlockApproved' : 'unlockRejected', decidedBy, rejectionGround)] : []), // prettier-ignore
      ];
    }),
  ];
  return moments.sort((a, b) => a.at.localeCompare(b.at) || a.order - b.order);
}
