import i18next from 'i18next';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { paths } from '../../api/schema.js';
import { PAGES } from '../../../../src/page-paths.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Notice } from '../../ui/notice.js';
import { StatusMark } from '../../ui/status-mark.js';

export type Receipt = paths['/api/v1/receipts/{id}']['get']['responses'][200]['content']['application/json'];

/** 回傳訊息: what was done, and when the list says it. */
export function ReceiptNote({ receipt }: { receipt: Receipt }) {
  const { t } = useTranslation('cards');
  const sentence = receipt.sentence[i18next.language === 'en' ? 'en' : 'zh-TW'];
  return (
    <section aria-labelledby="receipt" className="receipt">
      <h2 id="receipt">{t('receiptTitle')}</h2>
      <Notice kind="good" title={sentence} />
      <Facts
        rows={[
          [t('receiptId'), <span className="mono">{receipt.id}</span>],
          [t('action'), t(`commands.${receipt.command}`)],
          [t('cardNumber'), <span className="mono">{receipt.cardNumber}</span>],
          [t('statusNow'), <StatusMark status={receipt.status} />],
          [t('at'), rocTime(receipt.at)],
          ...(receipt.standingHolds.length > 0
            ? [[t('standingHolds'), receipt.standingHolds.map((holder) => t(`holders.${holder}`)).join('、')] as const]
            : []),
          [
            t('onList'),
            receipt.list ? (
              <>
                {t('listNumber', { number: receipt.list.number })}
                <br />
                <span className="mono small">SHA-256 {receipt.list.sha256}</span>
              </>
            ) : (
              t('listLater', { cut: rocTime(receipt.cut) })
            ),
          ],
        ]}
      />
      <p>{t('midnight')}</p>
      <p className="actions">
        <Link className="button second" to={PAGES.search}>
          {t('common:pages.search')}
        </Link>
        <button type="button" className="second no-print" onClick={() => window.print()}>
          {t('print')}
        </button>
      </p>
      <p className="small">{t('keepReceipt')}</p>
    </section>
  );
}
