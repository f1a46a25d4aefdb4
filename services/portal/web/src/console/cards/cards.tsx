import { useMemo, useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { Link, Route, Routes, useNavigate } from 'react-router';
import { z } from 'zod';
import { cardNumberOrTest, foldFullWidth } from '#libs/taiwan';
import { answerOf } from '../../api/client.js';
import { Field } from '../../forms/field.js';
import { resolverOf } from '../../forms/fields.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { api } from '../api.js';
import { usePages } from '../parts/use-pages.js';
import { Card } from './card.js';

/** 卡片: found by number, 統一編號 or name; then what became of it, and what an officer does with it. */
export default function Cards() {
  return (
    <Routes>
      <Route index element={<Find />} />
      <Route path=":number" element={<Card />} />
    </Routes>
  );
}

const wanted = { schema: z.string().trim().min(1), wrong: 'required' };

function Find() {
  const { t } = useTranslation('console');
  const navigate = useNavigate();
  const [asked, setAsked] = useState<string>();
  const form = useForm<{ wanted: string }>({ defaultValues: { wanted: '' }, resolver: resolverOf(() => ({ wanted })) });
  return (
    <Page title={t('cards.title')} lead={t('cards.lead')}>
      <form
        role="search"
        noValidate
        onSubmit={form.handleSubmit((values) => {
          const text = foldFullWidth(values.wanted).trim();
          const card = cardNumberOrTest.safeParse(text);
          if (card.success) void navigate(card.data);
          else setAsked(text);
        })}
      >
        <Field form={form} name="wanted" label={t('cards.wanted')} hint={t('cards.wantedHint')} maxLength={100} />
        <div className="actions">
          <button type="submit" className="primary">
            {t('cards.find')}
          </button>
        </div>
      </form>
      {asked !== undefined && <Found key={asked} text={asked} />}
    </Page>
  );
}

const search = (text: string) => (after: string | number | undefined, signal: AbortSignal) => {
  const wanted = /^\d{8}$/.test(text) ? { ubn: text } : { namePrefix: text };
  const query = { ...wanted, limit: 50, ...(after !== undefined && { after }) };
  return answerOf(api.GET('/api/v1/certificates', { params: { query: query as never }, signal }));
};

function Found({ text }: { text: string }) {
  const { t } = useTranslation('console');
  const { items, problem, more } = usePages(useMemo(() => search(text), [text]));
  if (!items) return problem ? <ProblemNote problem={problem} /> : <p className="loading">{t('common:loading')}</p>;
  return (
    <>
      <p className="small" role="status">
        {t('count', { count: items.length })}
      </p>
      <ul>
        {items.map((one) => (
          <li key={one.cardNumber}>
            <Link to={one.cardNumber}>{one.cardNumber}</Link> {one.name} {one.ubn}{' '}
            <span className={`status ${one.status}`}>{t(`statuses.${one.status}`)}</span>
          </li>
        ))}
      </ul>
      <ProblemNote problem={problem} />
      {more && (
        <button type="button" className="second" onClick={more}>
          {t('more')}
        </button>
      )}
    </>
  );
}
