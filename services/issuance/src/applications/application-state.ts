import { CaError } from '#libs/errors';

export const APPLICATION_STATES = ['received', 'returned', 'waiting-for-stock', 'approved', 'rejected'] as const;
export type ApplicationState = (typeof APPLICATION_STATES)[number];

/**
 * What happens to an application. A combined one is approved when it comes, and waits for stock if there is none:
 * `approved` always has a card.
 */
export const APPLICATION_COMMANDS = {
  approve: { when: ['received'], to: 'approved' },
  reject: { when: ['received', 'returned'], to: 'rejected' },
  return: { when: ['received'], to: 'returned' },
  resubmit: { when: ['returned'], to: 'received' },
  assign: { when: ['waiting-for-stock'], to: 'approved' },
} as const satisfies Record<string, { when: readonly ApplicationState[]; to: ApplicationState }>;
export type ApplicationCommand = keyof typeof APPLICATION_COMMANDS;

/** @throws CaError applicationNotPending | conflict (nothing to correct) */
export function nextState(state: ApplicationState, command: ApplicationCommand): ApplicationState {
  const { when, to } = APPLICATION_COMMANDS[command];
  if ((when as readonly ApplicationState[]).includes(state)) return to;
  const code = command === 'resubmit' ? 'conflict' : 'applicationNotPending';
  throw new CaError(code, `${command}: this application is ${state}`, { state });
}
