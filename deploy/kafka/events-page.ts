import { readFileSync } from 'node:fs';
import type { EventType } from '#libs/events';

/** A line of the table in docs/EVENTS.md, which says in words what the schemas cannot. */
export interface EventLine {
  type: EventType;
  topic: string;
  key: string;
  /** Services that send and that receive it. */
  from: string[];
  to: string[];
  says: string;
  /** `–`: nothing */
  sealed: string;
}

export function eventsPage(): EventLine[] {
  const lines = readFileSync('docs/EVENTS.md', 'utf8').split('\n');
  return lines.filter((line) => line.startsWith('| `')).map(lineOf);
}

function lineOf(line: string): EventLine {
  const cells = line.slice(1, -1).replaceAll('`', '').split('|');
  const [type, topic, key, from, to, says, sealed] = cells.map((cell) => cell.trim()) as [EventType, ...string[]];
  return { type, topic: topic!, key: key!, from: servicesOf(from!), to: servicesOf(to!), says: says!, sealed: sealed! };
}

const servicesOf = (cell: string): string[] => cell.split(', ').filter((name) => name !== '–');
