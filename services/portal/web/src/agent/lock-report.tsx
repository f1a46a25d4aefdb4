import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../src/page-paths.js';
import { answerOf, api } from '../api/client.js';
import { asProblem } from '../api/problem.js';
import { Notice } from '../ui/notice.js';
import { type CardFacts, prove } from './agent.js';

/**
 * Tells the centre that a card is blocked and will come in, by the card's own proof (docs/PIN.md). The holder has to send
 * it in whether or not this arrives.
 *
 * @returns whether the centre knows
 * @throws Problem cancelled
 */
export async function reportLock(card: CardFacts, signal: AbortSignal): Promise<boolean> {
  try {
    const { id, nonce } = await answerOf(
      api.POST('/api/v1/lock-reports', { body: { cardNumber: card.cardNumber }, signal }),
    );
    const proof = await prove({ session: id, nonce, purpose: 'unlock', card }, signal);
    await answerOf(
      api.POST('/api/v1/lock-reports/{id}/proof', { params: { path: { id } }, body: { proof } as never, signal }),
    );
    return true;
  } catch (error) {
    if (asProblem(error).code === 'cancelled') throw error;
    return false;
  }
}

/** What follows: the slip. */
export function LockReported() {
  const { t } = useTranslation('agent');
  return (
    <Notice kind="info" title={t('lockReported')}>
      <p>
        <Link to={PAGES.sentIn}>{t('common:pages.sentIn')}</Link>
      </p>
    </Notice>
  );
}
