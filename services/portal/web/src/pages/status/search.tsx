import { useRef, useState } from 'react';
import { useForm, useWatch } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { answerOf, api } from '../../api/client.js';
import { showProblem } from '../../forms/field-errors.js';
import { Choices, Field } from '../../forms/field.js';
import { resolverOf, RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { type Found, FoundCard } from './found-card.js';

/** The manual's five criteria, and names by how they begin; one at a time. */
const CRITERIA = ['name', 'namePrefix', 'ubn', 'email', 'cardNumber', 'serial'] as const;
type Criterion = (typeof CRITERIA)[number];
const RULE = { ...RULES, namePrefix: RULES.name };
interface Typed {
  by: Criterion;
  value: string;
}
const rules = ({ by }: Typed) => ({ by: RULES.choice, value: RULE[by] ?? RULES.choice });

/** 憑證查詢及下載. */
export function Search() {
  const { t } = useTranslation('status');
  const { busy, problem, send } = useSending();
  const [found, setFound] = useState<{ items: Found[]; next: string | null; asOf?: string }>();
  const asked = useRef<Typed>(undefined);
  const form = useForm<Typed>({ defaultValues: { by: 'ubn', value: '' }, resolver: resolverOf<Typed>(rules) });
  const by = useWatch({ control: form.control, name: 'by' });
  const page = async (typed: Typed, after?: string) => {
    const problem = await send(async (signal) => {
      const query = { [typed.by]: typed.value, ...(after && { after }) };
      const answer = await answerOf(api.GET('/api/v1/certificates', { params: { query }, signal }));
      asked.current = typed;
      setFound((before) => ({
        items: [...(after ? (before?.items ?? []) : []), ...(answer.items as Found[])],
        next: answer.next ?? null,
      }));
    });
    if (problem) showProblem(form, problem, { rules: { ...rules(typed), [typed.by]: RULE[typed.by] }, secrets: [] });
  };
  const find = (typed: Typed) => {
    setFound(undefined);
    return page(typed);
  };
  return (
    <Page title={t('common:pages.search')} lead={t('searchLead')}>
      <form role="search" onSubmit={(event) => void form.handleSubmit(find)(event)}>
        <Choices
          form={form}
          name="by"
          legend={t('by')}
          options={CRITERIA.map((name) => [name, t(`criteria.${name}`)] as const)}
        />
        <Field
          form={form}
          name="value"
          label={t(`criteria.${by}`)}
          hint={t(`hints.${by}`)}
          inputMode={by === 'ubn' ? 'numeric' : by === 'email' ? 'email' : 'text'}
          maxLength={254}
        />
        <ProblemNote problem={problem} />
        <div className="actions">
          <button type="submit" className="primary" disabled={busy}>
            {t('find')}
          </button>
        </div>
      </form>
      <div role="status">{found && <p>{t('foundCount', { count: found.items.length })}</p>}</div>
      {found?.items.length === 0 && <Notice kind="info" title={t('nothing')} />}
      {found?.items.map((item) => (
        <FoundCard key={item.cardNumber} found={item} />
      ))}
      {found?.next && (
        <p>
          <button
            type="button"
            className="second"
            disabled={busy}
            onClick={() => void page(asked.current!, found.next!)}
          >
            {t('more')}
          </button>
        </p>
      )}
      <p>
        <Link to={PAGES.statusHelp}>{t('common:pages.statusHelp')}</Link>
      </p>
    </Page>
  );
}
