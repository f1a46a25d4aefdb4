import { writeFileSync } from 'node:fs';
import { EVENTS_DOCUMENT, eventsDocument, textOf } from './events-document.js';

/** `npm run asyncapi`: writes docs/asyncapi.json anew. */
writeFileSync(EVENTS_DOCUMENT, textOf(eventsDocument()));
console.log(`${EVENTS_DOCUMENT} is written`);
