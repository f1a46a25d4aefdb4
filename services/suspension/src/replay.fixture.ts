import {
  changeDigest,
  EMPTY_DIGEST,
  FIRST_PREV_HASH,
  statusRow,
  statusRowHash,
  type CardRow,
  type StatusRow,
} from '#libs/events';

export interface List {
  count: number;
  digest: string;
}

/**
 * Reads a whole log as a stranger would, from the rows alone, and throws at the first thing that is not as DESIGN.md §4
 * promises. A second reader for the tests: it shares no code with the writer but the hash.
 *
 * @returns each card's last row, and the lists as they are at the end
 */
export function replay(rows: StatusRow[]): { cards: Map<string, CardRow>; lists: Record<string, List> } {
  const cards = new Map<string, CardRow>();
  const state = { seq: 0, hash: FIRST_PREV_HASH, at: '', cut: '', midnight: '', epoch: rows[0]?.epoch };
  for (const row of rows) {
    const where = `row ${row.seq}`;
    statusRow.parse(row);
    same(row.epoch, state.epoch, `${where}: epoch`);
    same(row.seq, state.seq + 1, `${where}: seq`);
    same(row.prevHash, state.hash, `${where}: prevHash`);
    same(row.hash, statusRowHash(row), `${where}: hash`);
    same(row.at >= state.at, true, `${where}: the time goes back from ${state.at} to ${row.at}`);
    if (row.kind === 'cut') {
      same(row.cut > state.cut, true, `${where}: cuts ascend`);
      // Compared as times: a row has milliseconds, a cut has none. An emergency's cut is the second of its marker.
      const end = Date.parse(row.cut) + (row.emergency ? 1_000 : 0);
      same(state.at === '' || Date.parse(state.at) < end, true, `${where}: the row below is of after it`);
      if (row.emergency) same(Date.parse(row.at) < end, true, `${where}: an emergency's cut is its own second`);
      same(JSON.stringify(row.lists), JSON.stringify(asArray(listsOf(cards))), `${where}: lists`);
      state.cut = row.cut;
      if (!row.emergency) state.midnight = row.cut;
    } else {
      checkStep(cards.get(row.cardNumber), row);
      cards.set(row.cardNumber, row);
    }
    same(Date.parse(row.at) >= Date.parse(state.cut), true, `${where}: above the marker and of before its cut`);
    // Between a time and the next, every midnight that passes must have its marker in between.
    same(Date.parse(row.at) - Date.parse(state.midnight) < 86_400_000, true, `${where}: a day without its cut`);
    Object.assign(state, { seq: row.seq, hash: row.hash, at: row.at });
  }
  return { cards, lists: listsOf(cards) };
}

/** One row of a card after another, by DOMAIN.md §2. */
function checkStep(before: CardRow | undefined, row: CardRow): void {
  const where = `row ${row.seq} (${row.kind}, ${row.holder})`;
  const holds = before?.holds ?? [];
  const listed = before?.listed ?? null;
  const revoked = listed !== null && listed.reason !== 'certificateHold';
  same(revoked, false, `${where}: revoked is final`);
  const atSeconds = `${row.at.slice(0, 19)}Z`;
  same(atSeconds <= row.notAfter, true, `${where}: expired`);
  const expected = { holds: [...holds], acceptedAt: before?.acceptedAt ?? null, listed };
  switch (row.kind) {
    case 'accepted':
      same(expected.acceptedAt, null, `${where}: accepted already`);
      same(holds.length, 0, `${where}: held`);
      expected.acceptedAt = row.at;
      break;
    case 'suspended':
      same(holds.includes(row.holder!), false, `${where}: held already`);
      expected.holds.push(row.holder!);
      expected.listed ??= { reason: 'certificateHold', since: atSeconds };
      break;
    case 'resumed':
      same(holds.includes(row.holder!), true, `${where}: lifts what does not stand`);
      expected.holds = holds.filter((holder) => holder !== row.holder);
      if (expected.holds.length === 0) expected.listed = null;
      break;
    case 'revoked':
      expected.listed = { ...row.listed!, since: listed?.since ?? atSeconds };
      if (row.listed!.invalidityDate !== undefined) {
        same(row.listed!.reason, 'keyCompromise', `${where}: invalidityDate`);
        same(row.listed!.invalidityDate <= atSeconds, true, `${where}: invalidityDate`);
      }
  }
  same([...row.holds].sort().join(), expected.holds.sort().join(), `${where}: holds`);
  same(row.acceptedAt, expected.acceptedAt, `${where}: acceptedAt`);
  same(JSON.stringify(row.listed), JSON.stringify(expected.listed), `${where}: listed`);
}

/** From nothing, at each call: the writer keeps its digests up to date by differences. */
function listsOf(cards: Map<string, CardRow>): Record<string, List> {
  const lists: Record<string, List> = {};
  for (const { issuerSki, serials, listed } of cards.values()) {
    const list = (lists[issuerSki] ??= { count: 0, digest: EMPTY_DIGEST });
    if (!listed) continue;
    for (const serial of [serials.signature, serials.encryption]) {
      list.count += 1;
      list.digest = changeDigest(list.digest, 1, serial, listed.reason);
    }
  }
  return lists;
}

function asArray(lists: Record<string, List>): object[] {
  return Object.keys(lists)
    .sort()
    .map((issuerSki) => ({ issuerSki, ...lists[issuerSki] }));
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
}
