export { Clock, systemClock, sleep } from './clock.js';
export { endOfDay, lastMidnight, nextMidnight, rfc3339, toWholeSeconds } from './taipei.js';
