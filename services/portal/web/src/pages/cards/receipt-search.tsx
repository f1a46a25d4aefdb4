import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { RULES } from '../../forms/fields.js';
import { LookUpForm } from '../../forms/look-up-form.js';
import { Page } from '../../ui/page.js';
import { ReceiptNote } from './receipt-note.js';

const ask = (typed: Record<string, string>, signal: AbortSignal) =>
  answerOf(api.GET('/api/v1/receipts/{id}', { params: { path: { id: typed['id']! } }, signal }));

/** A receipt later, by its number: by then it can name the list. */
export function ReceiptSearch() {
  const { t } = useTranslation('cards');
  return (
    <Page title={t('common:pages.receipt')} lead={t('receiptLead')}>
      <LookUpForm
        fields={[{ name: 'id', label: t('receiptId'), hint: t('receiptHint'), maxLength: 40, rule: RULES.receipt }]}
        button={t('find')}
        ask={ask}
      >
        {(receipt) => <ReceiptNote receipt={receipt} />}
      </LookUpForm>
    </Page>
  );
}
