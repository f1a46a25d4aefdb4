import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '#libs/clock';
import { demoToken, type DemoUser } from './demo-users.js';
import type { Instance } from './instance.js';

export interface SampleCard {
  cardNumber: string;
  userCode: string;
  /** Of the signature certificate. */
  serial: string;
}

const CARD_NUMBER = 'MT00000000000051';
const USER_CODE = 'Sample#51';

/** At the first start: one fictitious company's card, applied for, approved, issued and left in the virtual reader. */
export async function sampleCard(
  instance: Instance,
  dataDir: string,
  progress: (line: string) => void,
): Promise<SampleCard> {
  const file = join(dataDir, 'sample-card.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as SampleCard;

  progress(`a sample card, ${CARD_NUMBER}`);
  const officer = (user: DemoUser) => demoToken(instance.keys.issuer, instance.issuer, user);
  const operator = await officer('chen');
  await post(instance, '/card-stock', { cardNumbers: [CARD_NUMBER] }, { authorization: `Bearer ${operator}` });
  const { caseNumber } = await post<{ caseNumber: string }>(instance, '/applications', APPLICATION, {
    'idempotency-key': 'sample-card',
  });
  progress(`  application ${caseNumber}`);
  await post(instance, `/applications/${caseNumber}/approval`, {}, { authorization: `Bearer ${await officer('lin')}` });
  progress('  approved; keys are being made on the card');
  const { serials } = await post<{ serials: { signature: string } }>(
    instance,
    `/cards/${CARD_NUMBER}/personalisation`,
    {},
    {
      authorization: `Bearer ${operator}`,
    },
  );
  await known(instance);
  await fetch(`${instance.agentUrl}/virtual/reader`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', origin: instance.url, 'x-kaika-agent': '1' },
    body: JSON.stringify({ cardNumber: CARD_NUMBER }),
  });
  const card = { cardNumber: CARD_NUMBER, userCode: USER_CODE, serial: serials.signature };
  writeFileSync(`${file}.new`, JSON.stringify(card));
  renameSync(`${file}.new`, file);
  progress('  two certificates issued; the card is in the virtual reader');
  return card;
}

/** The other services hear of the card a moment later; what is printed next should work at once. */
async function known(instance: Instance): Promise<void> {
  for (const until = performance.now() + 10_000; performance.now() < until; await sleep(50)) {
    const answer = await fetch(`${instance.url}/api/v1/certificates?cardNumber=${CARD_NUMBER}`);
    if (((await answer.json()) as { items?: unknown[] }).items?.length) return;
  }
}

export function whatToTry(instance: Instance, { cardNumber, userCode }: SampleCard): string {
  return `
kaika runs on ${instance.url}   (card agent on ${instance.agentUrl}; Ctrl-C stops both)

  ${instance.url}/             the portal: what runs, the next midnight list, everything for subscribers
  ${instance.url}/activate     open the sample card, which is in the virtual reader: user code ${userCode}
  ${instance.url}/console      the officers’ console: choose who you are
  ${instance.url}/api/docs/    every endpoint, to try in the browser

Try, in another terminal:
  curl '${instance.url}/api/v1/certificates?cardNumber=${cardNumber}'
  curl -X POST ${instance.url}/api/v1/cards/${cardNumber}/suspension -H 'content-type: application/json' -d '{"userCode":"${userCode}"}'
  curl -X POST ${instance.url}/api/v1/cards/${cardNumber}/resumption -H 'content-type: application/json' -d '{"userCode":"${userCode}"}'
  curl -s ${instance.url}/crl/complete.crl | openssl crl -inform der -noout -text
  npm run ca -- token chen     a token of the demo's CA operator
  npm run demo                 a whole life of a card, its clock moved across two midnights
`;
}

const APPLICATION = {
  kind: 'company',
  name: '範例貿易股份有限公司',
  ubn: '10458574',
  certificateEmail: 'hello@sample-trading.example',
  representative: { name: '陳範例' },
  contact: { name: '吳範例', email: 'wu@sample-trading.example', phone: '02-0000-0051', address: '臺北市範例路51號' },
  userCode: USER_CODE,
};

/** Repeats nothing by itself: a start that fails here goes on at the next one, since every one of these is idempotent. */
async function post<T>(instance: Instance, path: string, body: unknown, headers: Record<string, string>): Promise<T> {
  const response = await fetch(`${instance.url}/api/v1${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as T & { detail?: string };
  if (!response.ok) throw new Error(`the sample card: POST ${path} answered ${response.status}: ${answer.detail}`);
  return answer;
}
