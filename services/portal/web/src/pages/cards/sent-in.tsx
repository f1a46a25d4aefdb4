import { useState } from 'react';
import { useForm } from 'react-hook-form';
import i18next from 'i18next';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { showProblem } from '../../forms/field-errors.js';
import { Field } from '../../forms/field.js';
import { resolverOf, RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { Facts } from '../../ui/facts.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { SaveFile, type SaveFileProps } from '../../ui/save-file.js';

const FIELDS = {
  cardNumber: RULES.cardNumber,
  errorMessage: RULES.words,
  name: RULES.personName,
  phone: RULES.phone,
  address: RULES.address,
};
const NOTHING = { cardNumber: '', errorMessage: '', name: '', phone: '', address: '' };

interface Slip {
  caseNumber: string;
  slipCode: string;
  slip: Record<'zh-TW' | 'en', { title: string; lines: string[] }>;
}

/** The slip as a PDF; its code goes in a header, never into an address. @throws Problem */
async function fetchSlip({ caseNumber, slipCode }: Slip, signal: AbortSignal): Promise<Blob> {
  const params = { path: { case: caseNumber }, header: { 'X-Slip-Code': slipCode } };
  const order = { params, parseAs: 'blob', headers: { accept: 'application/pdf' }, signal } as const;
  return (await answerOf(api.GET('/api/v1/card-returns/{case}/slip.pdf', order))) as Blob;
}

/** A card goes to the centre: the slip that goes with it. */
export function SentIn() {
  const { t } = useTranslation('cards');
  const { busy, problem, send } = useSending();
  const [slip, setSlip] = useState<SlipPageProps>();
  const form = useForm({ defaultValues: NOTHING, resolver: resolverOf<typeof NOTHING>(() => FIELDS) });
  const announce = async ({ cardNumber, errorMessage, ...contact }: typeof NOTHING) => {
    const found = await send(async (signal) => {
      const body = { cardNumber, errorMessage, contact };
      const made = (await answerOf(api.POST('/api/v1/card-returns', { body, signal }))) as Slip;
      setSlip({ slip: made, file: (again) => fetchSlip(made, again) });
    });
    if (found) showProblem(form, found, { rules: FIELDS, secrets: [] });
  };
  if (slip) return <SlipPage {...slip} />;
  return (
    <Page title={t('common:pages.sentIn')} lead={t('sentInLead')}>
      <form onSubmit={(event) => void form.handleSubmit(announce)(event)}>
        <Field form={form} name="cardNumber" label={t('cardNumber')} hint={t('cardNumberHint')} maxLength={24} />
        <Field
          form={form}
          name="errorMessage"
          label={t('errorMessage')}
          hint={t('errorMessageHint')}
          rows={3}
          maxLength={500}
        />
        <Field form={form} name="name" label={t('contactName')} autoComplete="name" maxLength={64} />
        <Field form={form} name="phone" label={t('phone')} autoComplete="tel" inputMode="tel" maxLength={30} />
        <Field form={form} name="address" label={t('address')} autoComplete="street-address" maxLength={200} />
        <ProblemNote problem={problem} />
        <div className="actions">
          <button type="submit" className="primary" disabled={busy}>
            {t('makeSlip')}
          </button>
        </div>
      </form>
    </Page>
  );
}

interface SlipPageProps {
  slip: Slip;
  file: SaveFileProps['file'];
}

function SlipPage({ slip, file }: SlipPageProps) {
  const { t } = useTranslation('cards');
  const words = slip.slip[i18next.language === 'en' ? 'en' : 'zh-TW'];
  return (
    <Page title={words.title}>
      <Facts
        rows={[
          [t('caseNumber'), <span className="mono">{slip.caseNumber}</span>],
          [t('slipCode'), <span className="mono">{slip.slipCode}</span>],
        ]}
      />
      <Notice kind="warning" title={t('slipCodeOnce')} />
      {words.lines.map((line, index) => (
        <p key={index}>{line}</p>
      ))}
      <div className="actions">
        <SaveFile
          name={`${slip.caseNumber}.pdf`}
          file={file}
          label={t('saveSlip')}
          coming={t('slipComing')}
          failed={t('slipFailed')}
        />
      </div>
    </Page>
  );
}
