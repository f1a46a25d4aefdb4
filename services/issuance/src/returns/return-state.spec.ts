import { describe, expect, it } from '@jest/globals';
import {
  nextReturnState,
  type Outcome,
  OUTCOMES,
  RETURN_COMMANDS,
  RETURN_STATES,
  type ReturnCommand,
  type ReturnState,
} from './return-state.js';

const AT = new Date('2026-11-22T02:00:00Z');
const commands = Object.keys(RETURN_COMMANDS) as ReturnCommand[];

/** Every command, and each outcome that may be asked for. */
const asked = commands.flatMap((command): [ReturnCommand, Outcome?][] =>
  command === 'decide' ? OUTCOMES.map((outcome) => [command, outcome]) : [[command]],
);

/** Every state with what it may have of an outcome and an unlocking. */
const cases = RETURN_STATES.flatMap((state) =>
  (state === 'decided' || state === 'sent-back' ? OUTCOMES : [null]).flatMap((outcome) =>
    [null, AT].map((unlockedAt) => ({ state, outcome, unlockedAt })),
  ),
);

describe('a card that was sent in', () => {
  it('goes its way for every state, outcome, unlocking and command', () => {
    const allowed = cases.flatMap((one) =>
      asked.flatMap(([command, what]): [string, ReturnState][] => {
        try {
          const words = [one.state, one.outcome, one.unlockedAt && 'unlocked before', command, what];
          return [[words.filter(Boolean).join(' '), nextReturnState(one, command, what)]];
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
      ['identified decide unlocked', 'decided'],
      ['identified decide found-sound', 'decided'],
      ['identified decide defective', 'decided'],
      ['identified unlocked before decide unlocked', 'decided'],
      ['identified unlocked before decide defective', 'decided'],
      ['decided unlocked decide unlocked', 'decided'],
      ['decided unlocked decide found-sound', 'decided'],
      ['decided unlocked decide defective', 'decided'],
      ['decided unlocked unlocked before decide unlocked', 'decided'],
      ['decided unlocked unlocked before decide defective', 'decided'],
      ['decided unlocked unlocked before send-back', 'sent-back'],
      ['decided found-sound decide unlocked', 'decided'],
      ['decided found-sound decide found-sound', 'decided'],
      ['decided found-sound decide defective', 'decided'],
      ['decided found-sound send-back', 'sent-back'],
      ['decided found-sound unlocked before decide unlocked', 'decided'],
      ['decided found-sound unlocked before decide defective', 'decided'],
    ]);
  });
});
