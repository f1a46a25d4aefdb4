import { readFileSync, writeFileSync } from 'node:fs';
import { API_DOCUMENT, apiDocument, textOf } from './api-document.js';

/** `npm run openapi`: writes docs/openapi.json anew; with `--check` it only says whether that would change it. */
const text = textOf(await apiDocument());
if (text === readFileSync(API_DOCUMENT, 'utf8')) {
  console.log(`${API_DOCUMENT} is what the services say`);
} else if (process.argv[2] === '--check') {
  console.error(`${API_DOCUMENT} is not what the services say: npm run openapi`);
  process.exitCode = 1;
} else {
  writeFileSync(API_DOCUMENT, text);
  console.log(`${API_DOCUMENT} is written`);
}
