import { gauge } from './registry.js';
import { beforeScrape } from './scrape.js';

/**
 * Cards that one topic has named and another has not yet (DESIGN.md §3): kept as pending by the service, alarmed when the
 * oldest has waited for 10 minutes.
 *
 * @param pending looks them up; `oldestSeconds` 0 when there is none
 * @returns       stops looking
 */
export function watchPendingCards(
  service: string,
  pending: () => Promise<{ count: number; oldestSeconds: number }>,
): () => void {
  const cards = gauge('kaika_pending_cards', 'Cards known from one topic and not yet from another', ['service']);
  const oldest = gauge('kaika_pending_cards_oldest_seconds', 'How long the oldest pending card waits', ['service']);
  return beforeScrape(async () => {
    const { count, oldestSeconds } = await pending();
    cards.set({ service }, count);
    oldest.set({ service }, oldestSeconds);
  });
}
