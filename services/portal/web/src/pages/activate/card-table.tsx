import { useTranslation } from 'react-i18next';
import type { CardFacts } from '../../agent/agent.js';
import { rocDay } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';

/** 憑證IC卡資料, empty before a card was read. */
export function CardTable({ card }: { card: CardFacts | undefined }) {
  const { t } = useTranslation('activate');
  return (
    <section aria-labelledby="card-data" className="card">
      <h2 id="card-data">{t('cardData')}</h2>
      <Facts
        rows={[
          [t('cardNumber'), card && <span className="mono">{card.cardNumber}</span>],
          [t('holderName'), card && [card.name, card.branch].filter(Boolean).join(' ')],
          [t('ubn'), card?.ubn],
          [
            t('serials'),
            card && (
              <span className="mono">
                {card.signature.serial}
                <br />
                {card.encryption.serial}
              </span>
            ),
          ],
          [
            t('validity'),
            card && t('fromTo', { from: rocDay(card.signature.notBefore), to: rocDay(card.signature.notAfter) }),
          ],
          [t('certificateEmail'), card && (card.email ?? t('noEmail'))],
        ]}
      />
    </section>
  );
}
