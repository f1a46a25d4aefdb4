export { Clock, systemClock, sleep } from './clock.js';
export { Rounds, type RoundsOptions } from './rounds.js';
export { endOfDay, lastMidnight, nextMidnight, rfc3339, toWholeSeconds } from './taipei.js';
