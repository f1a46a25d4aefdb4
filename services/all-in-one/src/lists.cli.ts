import { sleep } from '#libs/clock';
import type { RunningInstance } from './running-instance.js';

interface Entry {
  reason: string;
  since: string;
  invalidityDate?: string;
}
interface Row {
  seq: number;
  at: string;
  kind: string;
  holder: string | null;
}
interface Difference {
  serial: string;
  cardNumber: string | null;
  difference: 'added' | 'gone' | 'changed';
  before: Entry | null;
  after: Entry | null;
  explanation: 'log' | 'expired' | 'degraded' | 'none';
  rows: Row[];
}
interface List {
  number: string;
  cut: string;
  markerSeq: number;
  degraded: boolean;
}
interface Differences {
  from: List;
  to: List;
  items: Difference[];
  next: string | null;
}
interface EmergencyRequest {
  id: string;
  state: string;
  requestedBy: string;
  run: { state: string; number: string | null } | null;
}

const SIGNS = { added: '+', gone: '-', changed: '~' } as const;
const WORDS = {
  log: 'the log',
  expired: 'it expired, and a list of midnight has had it since',
  degraded: 'a degraded list: entries of the one before stayed on it',
  none: 'NOTHING EXPLAINS IT',
} as const;
const PAGE = 1_000;
const LOOKS = 120;

/** Prints every difference of two lists as a table. @returns 1 when one is not explained */
export async function explainLists(instance: RunningInstance, a: string, b: string): Promise<number> {
  const counts = { added: 0, gone: 0, changed: 0, none: 0 };
  for (let after: string | null = null, first = true; first || after !== null; first = false) {
    const query: string = after === null ? '' : `&after=${after}`;
    const path = `/crls/${encodeURIComponent(a)}/differences/${encodeURIComponent(b)}?limit=${PAGE}${query}`;
    const page: Differences = await instance.ask<Differences>('chen', 'GET', path);
    if (first) console.log(`${listLine(page.from)}\n${listLine(page.to)}\n${tableLine(HEAD)}`);
    for (const one of page.items) {
      console.log(differenceLines(one).join('\n'));
      counts[one.difference] += 1;
      if (one.explanation === 'none') counts.none += 1;
    }
    after = page.next;
  }
  const { added, gone, changed, none } = counts;
  console.log(
    `${added} added, ${gone} gone, ${changed} changed; ${none === 0 ? 'all explained' : `${none} NOT explained`}`,
  );
  return none === 0 ? 0 : 1;
}

/** Asks for an emergency list as one officer. */
export async function requestList(instance: RunningInstance, ground: string): Promise<number> {
  const { id, requestedBy } = await instance.ask<EmergencyRequest>('wang', 'POST', '/emergency-lists', { ground });
  console.log(`asked for by ${requestedBy}; another officer approves it: npm run ca -- publish --approve ${id}`);
  return 0;
}

/** Approves it as another one and waits for the list. @returns 1 when it is not there after a minute */
export async function approveList(instance: RunningInstance, id: string): Promise<number> {
  const path = `/emergency-lists/${encodeURIComponent(id)}/approval`;
  for (let look = 0; look < LOOKS; look += 1) {
    const { run } = await instance.ask<EmergencyRequest>('wu', 'POST', path, {}); // repeated: the same answer
    if (run?.state === 'published') console.log(`list ${run.number} is published`);
    if (run?.state === 'superseded') console.log('the list of midnight came first and has it all');
    if (run?.state === 'published' || run?.state === 'superseded') return 0;
    await sleep(500);
  }
  console.log('the list is not published yet; see /api/v1/alarms');
  return 1;
}

const HEAD = ['', 'serial', 'card', 'before', 'after', 'explained by'] as const;
const WIDTHS = [1, 32, 16, 36, 36, 0] as const;

function tableLine(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padEnd(WIDTHS[i]!)).join('  ').trimEnd(); // prettier-ignore
}

function listLine({ number, cut, markerSeq, degraded }: List): string {
  return `list ${number}: cut ${cut}, the rows below ${markerSeq}${degraded ? ', DEGRADED' : ''}`;
}

function differenceLines({ serial, cardNumber, difference, before, after, explanation, rows }: Difference): string[] {
  const cells = [SIGNS[difference], serial, cardNumber ?? '?', entryCell(before), entryCell(after), WORDS[explanation]];
  return [tableLine(cells), ...rows.map(rowLine)];
}

function entryCell(entry: Entry | null): string {
  if (!entry) return '-';
  return `${entry.reason} ${entry.since}${entry.invalidityDate ? ` (invalid since ${entry.invalidityDate})` : ''}`;
}

function rowLine({ seq, at, kind, holder }: Row): string {
  return `     row ${seq}  ${at}  ${kind}${holder ? ` by ${holder}` : ''}`;
}
