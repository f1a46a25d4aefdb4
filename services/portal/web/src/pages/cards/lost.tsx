import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { showProblem } from '../../forms/field-errors.js';
import { Field } from '../../forms/field.js';
import { resolverOf, RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { Hotlines } from '../../ui/hotlines.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { StatusMark } from '../../ui/status-mark.js';
import { CommandForm } from './command-form.js';

const FIELDS = { ubn: RULES.ubn };
interface Found {
  cardNumber: string;
  name: string;
  subject: string;
  status: string;
}

/** 掛失: who lost the card does not know its number; it is found by 統一編號, then suspended. */
export function Lost() {
  const { t } = useTranslation('cards');
  const { busy, problem, send } = useSending();
  const [cards, setCards] = useState<Found[]>();
  const [chosen, choose] = useState<string>();
  const form = useForm({ defaultValues: { ubn: '' }, resolver: resolverOf<{ ubn: string }>(() => FIELDS) });
  const find = async ({ ubn }: { ubn: string }) => {
    setCards(undefined);
    choose(undefined);
    const found = await send(async (signal) => {
      const answer = await answerOf(
        api.GET('/api/v1/certificates', { params: { query: { ubn, limit: 100 } }, signal }),
      );
      setCards(answer.items as Found[]);
    });
    if (found) showProblem(form, found, { rules: FIELDS, secrets: [] });
  };
  return (
    <Page title={t('common:pages.lost')} lead={t('lostLead')}>
      <form onSubmit={(event) => void form.handleSubmit(find)(event)}>
        <Field form={form} name="ubn" label={t('ubn')} inputMode="numeric" maxLength={8} />
        <ProblemNote problem={problem} />
        <div className="actions">
          <button type="submit" className="primary" disabled={busy}>
            {t('findCards')}
          </button>
        </div>
      </form>
      {cards?.length === 0 && <Notice kind="warning" title={t('noCards')} />}
      {cards && cards.length > 0 && (
        <fieldset>
          <legend>{t('chooseCard')}</legend>
          <div className="choices">
            {cards.map(({ cardNumber, name, status }) => (
              <label key={cardNumber}>
                <input type="radio" name="card" checked={chosen === cardNumber} onChange={() => choose(cardNumber)} />
                <span>
                  <span className="mono">{cardNumber}</span> {name} <StatusMark status={status} />
                </span>
              </label>
            ))}
          </div>
        </fieldset>
      )}
      {chosen && (
        <>
          <h2>{t('suspendThis')}</h2>
          <CommandForm key={chosen} fixed={{ action: 'suspension', cardNumber: chosen }} />
        </>
      )}
      <h2>{t('noUserCode')}</h2>
      <p>{t('noUserCodeCall')}</p>
      <Hotlines />
    </Page>
  );
}
