import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { showProblem } from '../../forms/field-errors.js';
import { Field } from '../../forms/field.js';
import { resolverOf, RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { type Receipt, ReceiptNote } from './receipt-note.js';

const FIELDS = { id: RULES.receipt };

/** A receipt later, by its number: by then it can name the list. */
export function ReceiptSearch() {
  const { t } = useTranslation('cards');
  const { busy, problem, send } = useSending();
  const [receipt, setReceipt] = useState<Receipt>();
  const form = useForm({ defaultValues: { id: '' }, resolver: resolverOf<{ id: string }>(() => FIELDS) });
  const find = async ({ id }: { id: string }) => {
    setReceipt(undefined);
    const found = await send(async (signal) =>
      setReceipt(await answerOf(api.GET('/api/v1/receipts/{id}', { params: { path: { id } }, signal }))),
    );
    if (found) showProblem(form, found, { rules: FIELDS, secrets: [] });
  };
  return (
    <Page title={t('common:pages.receipt')} lead={t('receiptLead')}>
      <form onSubmit={(event) => void form.handleSubmit(find)(event)}>
        <Field form={form} name="id" label={t('receiptId')} hint={t('receiptHint')} maxLength={40} />
        <ProblemNote problem={problem} />
        <div className="actions">
          <button type="submit" className="primary" disabled={busy}>
            {t('find')}
          </button>
        </div>
      </form>
      {receipt && <ReceiptNote receipt={receipt} />}
    </Page>
  );
}
