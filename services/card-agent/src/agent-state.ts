import type { ReaderState } from './readers/card-gates.js';

/** States a page can show and the agent can tell; `agent-missing`, `permission-denied` and `origin-refused` the page sees itself. */
export const AGENT_STATES = [
  'agent-outdated',
  'pairing-needed',
  'pcsc-missing',
  'no-reader',
  'no-card',
  'several-cards',
  'unknown-card',
  'card-error',
  'busy',
  'removed',
  'locked',
  'ready',
] as const;
export type AgentState = (typeof AGENT_STATES)[number];

/** Of the one card there is; with several, a page has to name the reader. */
export function overallState(readers: readonly { state: ReaderState }[]): AgentState {
  if (readers.length === 0) return 'no-reader';
  const [first, second] = readers.filter(({ state }) => state !== 'no-card');
  if (!first) return 'no-card';
  return second ? 'several-cards' : first.state;
}

/** Whether version `a` comes before `b`; each `major.minor.patch`. */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  const at = [0, 1, 2].find((part) => left?.[part] !== right?.[part]);
  return at !== undefined && (left?.[at] ?? 0) < (right?.[at] ?? 0);
}
