import { CaError } from '#libs/errors';

export const APPLICATION_STATES = ['received', 'approved', 'rejected'] as const;
export type ApplicationState = (typeof APPLICATION_STATES)[number];

/** What the application office does with an application. Both decisions are final. */
export const APPLICATION_COMMANDS = {
  approve: { when: ['received'], to: 'approved' },
  reject: { when: ['received'], to: 'rejected' },
} as const satisfies Record<string, { when: readonly ApplicationState[]; to: ApplicationState }>;
export type ApplicationCommand = keyof typeof APPLICATION_COMMANDS;

/** @throws CaError applicationNotPending */
export function nextState(state: ApplicationState, command: ApplicationCommand): ApplicationState {
  const { when, to } = APPLICATION_COMMANDS[command];
  if ((when as readonly ApplicationState[]).includes(state)) return to;
  throw new CaError('applicationNotPending', `this application is ${state}`, { state });
}
