import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { answerOf, api } from '../../api/client.js';
import { emptySecrets, showProblem } from '../../forms/field-errors.js';
import { Field, SecretField } from '../../forms/field.js';
import { resolverOf, RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { Working } from '../../ui/working.js';
import { twice } from './twice.js';

const FIELDS = {
  cardNumber: RULES.cardNumber,
  userCode: RULES.userCode,
  newUserCode: RULES.newUserCode,
  newUserCodeAgain: RULES.newUserCode,
};
const NOTHING = { cardNumber: '', userCode: '', newUserCode: '', newUserCodeAgain: '' };
const SECRETS = ['userCode', 'newUserCode', 'newUserCodeAgain'];

/** 變更用戶代碼: the old one, the new one twice. No card reader is needed. */
export function UserCodeChange() {
  const { t } = useTranslation('codes');
  const { busy, problem, send, cancel } = useSending();
  const [done, setDone] = useState(false);
  const form = useForm({ defaultValues: NOTHING, resolver: resolverOf<typeof NOTHING>(() => FIELDS, twice) });
  const change = async ({ cardNumber, ...body }: typeof NOTHING) => {
    setDone(false);
    const found = await send(async (signal) => {
      await answerOf(api.PUT('/api/v1/cards/{n}/user-code', { params: { path: { n: cardNumber } }, body, signal }));
      setDone(true);
    });
    if (found) showProblem(form, found, { rules: FIELDS, secrets: SECRETS, refused: 'userCode' });
    else emptySecrets(form, SECRETS);
  };
  return (
    <Page title={t('common:pages.userCodeChange')} lead={t('changeLead')}>
      <form onSubmit={(event) => void form.handleSubmit(change)(event)}>
        <Field form={form} name="cardNumber" label={t('cardNumber')} hint={t('cardNumberHint')} maxLength={24} />
        <SecretField form={form} name="userCode" label={t('oldUserCode')} maxLength={10} />
        <SecretField form={form} name="newUserCode" label={t('newUserCode')} hint={t('userCodeHint')} maxLength={10} />
        <SecretField form={form} name="newUserCodeAgain" label={t('newUserCodeAgain')} maxLength={10} />
        <ProblemNote problem={problem} />
        {busy && <Working waitsFor={t('waitsFor.centre')} onCancel={cancel} />}
        {done && <Notice kind="good" title={t('changed')} />}
        <div className="actions">
          <button type="submit" className="primary" disabled={busy}>
            {t('change')}
          </button>
          <Link className="button second" to={PAGES.userCodeForgotten}>
            {t('common:pages.userCodeForgotten')}
          </Link>
        </div>
      </form>
    </Page>
  );
}
