export { StatusFeed, type StatusFeedOptions } from './status-feed.js';
export { type Watermark } from './feed-rows.js';
export { type Replay } from './replay.js';
export { STATUS_FEED_MIGRATIONS } from './migrations.js';
