import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIRST_PREV_HASH, statusRowHash, type CardRow, type StatusRow } from '#libs/events';
import { readCrl } from '#libs/pki';
import { ask } from './http.js';
import type { Instance } from './instance.js';
import type { Card } from './cards.js';
import { itemsOf } from './world.js';

/** Rows of the status log an answer. */
const PAGE = 1_000;

/** Looks at a finished instance from outside and names what does not hold (DESIGN.md §5, invariants 1–6 and 9). */
export async function checkInvariants(instance: Instance, cards: readonly Card[]): Promise<string[]> {
  const rows = await statusLog(instance);
  return [
    ...chain(rows),
    ...changes(rows, cards),
    ...(await lists(instance, rows)),
    ...(await agreement(instance, rows, cards)),
  ];
}

async function statusLog(instance: Instance): Promise<StatusRow[]> {
  const token = await instance.tokenFor(['service']);
  const rows: StatusRow[] = [];
  for (;;) {
    const after = rows.at(-1)?.seq ?? 0;
    const url = `${instance.address.url}/api/v1/status-log?after=${after}&limit=${PAGE}`;
    const page = (await ask('GET', url, { token })).body['rows'] as StatusRow[];
    rows.push(...page);
    if (page.length < PAGE) return rows;
  }
}

/** Gap-free, chained, its time never going back; a marker has the rows before its cut below it and the others above. */
function chain(rows: StatusRow[]): string[] {
  const broken: string[] = [];
  let before: StatusRow | undefined;
  let cut = '';
  for (const row of rows) {
    if (row.seq !== (before?.seq ?? 0) + 1) broken.push(`seq ${row.seq} follows ${before?.seq}`);
    if (row.prevHash !== (before?.hash ?? FIRST_PREV_HASH) || row.hash !== statusRowHash(row))
      broken.push(`hash of ${row.seq}`);
    if (before && new Date(row.at) < new Date(before.at)) broken.push(`time of ${row.seq} goes back`);
    if (row.kind === 'cut') cut = row.cut;
    else if (cut && new Date(row.at) < new Date(cut)) broken.push(`${row.seq} is older than the marker below it`);
    before = row;
  }
  return broken;
}

/** Each acknowledged act once, and no other. */
function changes(rows: StatusRow[], cards: readonly Card[]): string[] {
  return cards.flatMap(({ cardNumber, history }) => {
    const kinds = rows.filter((row) => row.kind !== 'cut' && row.cardNumber === cardNumber).map((row) => row.kind);
    const at = kinds.findIndex((kind, nth) => kind !== history[nth]);
    if (kinds.length === history.length && at < 0) return [];
    const first = at < 0 ? '' : `, from change ${at}: ${kinds.slice(at, at + 5).join()}`;
    return [`${cardNumber}: ${kinds.length} changes instead of ${history.length}${first}`];
  });
}

/** Numbers rise, one list a cut, and each holds what the rows below its marker say. */
async function lists(instance: Instance, rows: StatusRow[]): Promise<string[]> {
  const broken: string[] = [];
  const published = itemsOf(await ask('GET', `${instance.address.url}/api/v1/crls?limit=100`)).reverse();
  const dir = await mkdtemp(join(tmpdir(), 'kaika-lists-'));
  try {
    const cuts = published.map((list) => String(list['cut']));
    if (new Set(cuts).size !== cuts.length) broken.push(`two lists of one cut: ${cuts.join()}`);
    for (const [index, list] of published.entries()) {
      const number = BigInt(String(list['number']));
      if (index > 0 && number <= BigInt(String(published[index - 1]!['number'])))
        broken.push(`number ${number} does not rise`);
      const file = join(dir, `${number}.crl`);
      await writeFile(file, (await ask('GET', `${instance.address.url}/crl/archive/${number}.crl`)).bytes);
      const seen: string[] = [];
      for await (const entry of (await readCrl(file)).entries()) seen.push(`${entry.serial} ${entry.reason}`);
      const marker = rows.find(
        (row) => row.kind === 'cut' && new Date(row.cut).getTime() === new Date(String(list['cut'])).getTime(),
      );
      const expected = list['kind'] === 'first' ? [] : replay(rows.filter((row) => marker && row.seq < marker.seq));
      if (seen.sort().join() !== expected.sort().join())
        broken.push(`list ${number}: ${seen.join()} instead of ${expected.join()}`);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
  return broken;
}

function replay(rows: StatusRow[]): string[] {
  const last = new Map<string, CardRow>();
  for (const row of rows) if (row.kind !== 'cut') last.set(row.cardNumber, row);
  return [...last.values()].flatMap(({ listed, serials }) =>
    listed ? [serials.signature, serials.encryption].map((serial) => `${serial} ${listed.reason}`) : [],
  );
}

/** Search says what the log says, and the two serials of a card differ from all others. */
async function agreement(instance: Instance, rows: StatusRow[], cards: readonly Card[]): Promise<string[]> {
  const broken: string[] = [];
  const serials = cards.flatMap((card) => [card.serials.sign, card.serials.enc]);
  if (new Set(serials).size !== serials.length || serials.some((serial) => !/^(?!00)[0-7][0-9A-F]{31}$/.test(serial)))
    broken.push(`serials ${serials.join()}`);
  for (const card of cards) {
    const items = itemsOf(
      await ask('GET', `${instance.address.url}/api/v1/certificates?cardNumber=${card.cardNumber}`),
    );
    const row = rows.findLast((one): one is CardRow => one.kind !== 'cut' && one.cardNumber === card.cardNumber);
    const expected =
      row?.kind === 'revoked' ? 'revoked' : row?.holds.length ? 'suspended' : row?.acceptedAt ? 'valid' : 'pending';
    if (items.length !== 1 || items[0]!['status'] !== expected)
      broken.push(`search says ${JSON.stringify(items.map((i) => i['status']))}, the log ${expected}`);
  }
  return broken;
}
