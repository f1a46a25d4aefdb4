import { describe, expect, it } from '@jest/globals';
import { CARD_COMMANDS, CARD_STATES, type CardCommand, nextCardState } from './card-state.js';

describe('a card on its way through the centre', () => {
  const allowed = new Map([
    ['blank assign', 'assigned'],
    ['assigned issue', 'issued'],
    ['issued dispatch', 'dispatched'],
    ['blank defect', 'defective'],
    ['assigned defect', 'defective'],
  ]);
  const commands = Object.keys(CARD_COMMANDS) as CardCommand[];

  it.each(CARD_STATES.flatMap((state) => commands.map((command) => [state, command] as const)))(
    'in state %s answers %s as the table says',
    (state, command) => {
      const to = allowed.get(`${state} ${command}`);
      if (to) expect(nextCardState(state, command)).toBe(to);
      else expect(() => nextCardState(state, command)).toThrow(`this card is ${state}`);
    },
  );
});
