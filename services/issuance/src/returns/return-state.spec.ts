import { describe, expect, it } from '@jest/globals';
import {
  nextReturnState,
  OUTCOMES,
  RETURN_COMMANDS,
  RETURN_STATES,
  type ReturnCommand,
  type ReturnState,
} from './return-state.js';

const AT = new Date('2026-11-22T02:00:00Z');
const commands = Object.keys(RETURN_COMMANDS) as ReturnCommand[];

/** Every state with what it may have of an outcome and an unlocking. */
const cases = RETURN_STATES.flatMap((state) =>
  (state === 'decided' || state === 'sent-back' ? OUTCOMES : [null]).flatMap((outcome) =>
    [null, AT].map((unlockedAt) => ({ state, outcome, unlockedAt })),
  ),
);

describe('a card that was sent in', () => {
  it('goes its way for every state, outcome, unlocking and command', () => {
    const allowed = cases.flatMap((one) =>
      commands.flatMap((command): [string, ReturnState][] => {
        try {
          const words = [one.state, one.outcome, one.unlockedAt && 'unlocked before', command];
          return [[words.filter(Boolean).join(' '), nextReturnState(one, command)]];
        } catch (error) {
          expect(error).toMatchObject({ code: 'conflict', params: { state: one.state } });
          return [];
        }
      }),
    );
    expect(allowed).toEqual([
      ['announced receive', 'received'],
      ['announced unlocked before receive', 'received'],
      ['received identify', 'identified'],
      ['received unlocked before identify', 'identified'],
      ['identified decide', 'decided'],
      ['identified unlocked before decide', 'decided'],
      ['decided unlocked decide', 'decided'],
      ['decided unlocked unlocked before decide', 'decided'],
      ['decided unlocked unlocked before send-back', 'sent-back'],
      ['decided found-sound decide', 'decided'],
      ['decided found-sound send-back', 'sent-back'],
      ['decided found-sound unlocked before decide', 'decided'],
      ['decided found-sound unlocked before send-back', 'sent-back'],
    ]);
  });
});
