import { useEffect, useRef, useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { emptySecrets, showProblem } from '../../forms/field-errors.js';
import { Choices, Field, SecretField } from '../../forms/field.js';
import { resolverOf, RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { Working } from '../../ui/working.js';
import { type Receipt, ReceiptNote } from './receipt-note.js';

type Action = 'suspension' | 'resumption';
interface Typed {
  action: Action | '';
  cardNumber: string;
  userCode: string;
}
const FIELDS = { action: RULES.choice, cardNumber: RULES.cardNumber, userCode: RULES.userCode };

interface CommandFormProps {
  /** Chosen already: the card that was found, to be suspended */
  fixed?: { action: Action; cardNumber: string };
}

/** 作業類別, 卡號, 用戶代碼, 傳送資料; then 回傳訊息. */
export function CommandForm({ fixed }: CommandFormProps) {
  const { t } = useTranslation('cards');
  const { busy, problem, send, cancel } = useSending();
  const [receipt, setReceipt] = useState<Receipt>();
  const key = useRef<{ of: string; value: string }>(undefined);
  const end = useRef<HTMLDivElement>(null);
  const form = useForm<Typed>({
    defaultValues: { action: fixed?.action ?? '', cardNumber: fixed?.cardNumber ?? '', userCode: '' },
    resolver: resolverOf<Typed>(() => FIELDS),
  });
  useEffect(() => {
    if (receipt) end.current?.focus();
  }, [receipt]);

  const perform = async ({ action, cardNumber, userCode }: Typed) => {
    setReceipt(undefined);
    const found = await send(async (signal) => {
      // The same thing pressed again after a lost answer is the same command.
      const of = `${action} ${cardNumber} ${userCode}`;
      if (key.current?.of !== of) key.current = { of, value: crypto.randomUUID() };
      const order = {
        params: { path: { n: cardNumber }, header: { 'Idempotency-Key': key.current.value } },
        body: { userCode },
        signal,
      };
      const call =
        action === 'resumption'
          ? api.POST('/api/v1/cards/{n}/resumption', order)
          : api.POST('/api/v1/cards/{n}/suspension', order);
      setReceipt(await answerOf(call));
      key.current = undefined;
    });
    if (found) showProblem(form, found, { rules: FIELDS, secrets: ['userCode'], refused: 'userCode' });
    else emptySecrets(form, ['userCode']);
  };
  return (
    <>
      <form onSubmit={(event) => void form.handleSubmit(perform)(event)}>
        {!fixed && (
          <Choices
            form={form}
            name="action"
            legend={t('action')}
            options={[
              ['suspension', t('commands.suspend')],
              ['resumption', t('commands.resume')],
            ]}
          />
        )}
        <Field form={form} name="cardNumber" label={t('cardNumber')} hint={t('cardNumberHint')} maxLength={24} />
        <SecretField form={form} name="userCode" label={t('userCode')} hint={t('userCodeHint')} maxLength={10} />
        <ProblemNote problem={problem} />
        {busy && <Working waitsFor={t('waitsFor')} onCancel={cancel} />}
        <div className="actions">
          <button type="submit" className="primary" disabled={busy}>
            {t('send')}
          </button>
        </div>
      </form>
      <div ref={end} tabIndex={-1}>
        {receipt && <ReceiptNote receipt={receipt} />}
      </div>
    </>
  );
}
