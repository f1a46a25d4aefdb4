export { counter, gauge, histogram } from './registry.js';
export { beforeScrape, processMetrics, scrape } from './scrape.js';
export { watchPendingCards } from './pending-cards.js';
