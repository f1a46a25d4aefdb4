import { CaError } from '#libs/errors';

export const CARD_STATES = ['blank', 'assigned', 'issued', 'dispatched', 'defective'] as const;
export type CardState = (typeof CARD_STATES)[number];

/** A card's way through the centre. What its certificates are worth is not known here: `suspension` owns that. */
export const CARD_COMMANDS = {
  assign: { when: ['blank'], to: 'assigned' },
  issue: { when: ['assigned'], to: 'issued' },
  dispatch: { when: ['issued'], to: 'dispatched' },
  defect: { when: ['blank', 'assigned'], to: 'defective' },
} as const satisfies Record<string, { when: readonly CardState[]; to: CardState }>;
export type CardCommand = keyof typeof CARD_COMMANDS;

/** @throws CaError conflict */
export function nextCardState(state: CardState, command: CardCommand): CardState {
  const { when, to } = CARD_COMMANDS[command];
  if ((when as readonly CardState[]).includes(state)) return to;
  throw new CaError('conflict', `${command}: this card is ${state}`, { state });
}
