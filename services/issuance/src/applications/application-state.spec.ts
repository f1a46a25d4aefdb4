import { describe, expect, it } from '@jest/globals';
import { CaError } from '#libs/errors';
import { APPLICATION_COMMANDS, APPLICATION_STATES, nextState, type ApplicationCommand } from './application-state.js';

describe('the life of an application', () => {
  const allowed = new Map([
    ['received approve', 'approved'],
    ['received reject', 'rejected'],
    ['received return', 'returned'],
    ['returned resubmit', 'received'],
    ['returned reject', 'rejected'],
    ['waiting-for-stock assign', 'approved'],
  ]);
  const commands = Object.keys(APPLICATION_COMMANDS) as ApplicationCommand[];
  const pairs = APPLICATION_STATES.flatMap((state) => commands.map((command) => ({ state, command })));

  it.each(pairs)('$command in state $state does what the table says', ({ state, command }) => {
    const to = allowed.get(`${state} ${command}`);
    if (to) expect(nextState(state, command)).toBe(to);
    else expect(() => nextState(state, command)).toThrow(CaError);
  });
});
