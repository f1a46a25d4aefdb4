import { readFileSync, writeFileSync } from 'node:fs';
import { committedConfigs } from './deployments.js';
import type { ApiDocument } from './route-table.js';

// npm run edge: writes the committed configurations of the edge anew from the API document.
const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as ApiDocument;
for (const [file, text] of Object.entries(committedConfigs(document))) {
  writeFileSync(file, text);
  console.log(file);
}
