import { describe, expect, it } from '@jest/globals';
import { HOLDERS, type Holder } from '#libs/events';
import {
  listingOf,
  standingHolds,
  statusOf,
  transition,
  type CardState,
  type Command,
  type Outcome,
} from './card-status.js';

const NOT_AFTER = new Date('2026-11-21T15:59:59Z');
const ACCEPTED = new Date('2026-01-05T02:00:00.250Z');
const HELD = new Date('2026-03-01T04:00:00.999Z');
const REVOKED = new Date('2026-04-01T04:00:00.999Z');
const NOW = new Date('2026-05-01T04:00:00.999Z');
const AFTER = new Date('2026-11-21T16:00:00Z');

interface Situation {
  accepted: boolean;
  holds: Holder[];
  lifted: Holder[];
  revoked: boolean;
  expired: boolean;
}

const subsets = <T>(all: readonly T[]): T[][] =>
  all.reduce<T[][]>((sets, one) => sets.flatMap((set) => [set, [...set, one]]), [[]]);
const either = [false, true];

const SITUATIONS: Situation[] = either.flatMap((accepted) =>
  subsets(HOLDERS).flatMap((holds) =>
    subsets(HOLDERS).flatMap((lifted) =>
      either.flatMap((revoked) => either.map((expired) => ({ accepted, holds, lifted, revoked, expired }))),
    ),
  ),
);

const COMMANDS: Command[] = [
  { name: 'accept' },
  { name: 'suspend' },
  { name: 'resume' },
  ...(['deadline', 'ca', 'court'] as const).flatMap((holder): Command[] => [
    { name: 'hold', holder },
    { name: 'release', holder },
  ]),
  { name: 'revoke', reason: 'superseded' },
];

function stateOf({ accepted, holds, lifted, revoked }: Situation): CardState {
  return {
    notAfter: NOT_AFTER,
    acceptedAt: accepted ? ACCEPTED : null,
    holds: Object.fromEntries(holds.map((holder) => [holder, HELD])),
    lifted,
    revoked: revoked ? { reason: 'keyCompromise', at: REVOKED } : null,
    notGoodSince: holds.length > 0 ? HELD : revoked ? REVOKED : null,
  };
}

/** DOMAIN.md §2 read aloud, line by line, and written down without looking at the code. */
function expected(s: Situation, command: Command): Outcome {
  const state = stateOf(s);
  const has = (holder: Holder) => s.holds.includes(holder);
  const since = state.notGoodSince ?? NOW;
  const withHold = (holder: Holder): CardState => ({
    ...state,
    holds: { ...state.holds, [holder]: NOW },
    notGoodSince: since,
  });
  const withoutHold = (holder: Holder): CardState => ({
    ...state,
    holds: Object.fromEntries(s.holds.filter((one) => one !== holder).map((one) => [one, HELD])),
    lifted: HOLDERS.filter((one) => one === holder || s.lifted.includes(one)),
    notGoodSince: s.holds.length === 1 ? null : HELD,
  });
  switch (command.name) {
    case 'accept': // pending, no hold, not expired
      if (s.revoked) return 'cardRevoked';
      if (s.expired) return 'cardExpired';
      if (s.holds.length > 0) return 'cardHeld';
      return s.accepted ? 'already' : { ...state, acceptedAt: NOW };
    case 'suspend':
    case 'hold': {
      const holder = command.name === 'hold' ? command.holder : 'subscriber';
      if (s.revoked) return 'cardRevoked';
      if (s.expired) return 'cardExpired';
      return has(holder) ? 'already' : withHold(holder);
    }
    case 'resume':
    case 'release': {
      const holder = command.name === 'release' ? command.holder : 'subscriber';
      if (s.revoked) return 'cardRevoked';
      if (s.expired) return 'cardExpired';
      if (has(holder)) return withoutHold(holder);
      return s.lifted.includes(holder) ? 'already' : 'cardNotSuspended';
    }
    case 'revoke': // final
      if (s.revoked) return 'already';
      if (s.expired) return 'cardExpired';
      return { ...state, revoked: { reason: 'superseded', at: NOW }, notGoodSince: since };
  }
}

describe('a command on a card', () => {
  it('does what DOMAIN.md §2 says, for every state, every set of holds and every command', () => {
    for (const situation of SITUATIONS) {
      const at = situation.expired ? AFTER : NOW;
      for (const command of COMMANDS) {
        const outcome = transition(stateOf(situation), command, at);
        expect({ situation, command, outcome }).toEqual({ situation, command, outcome: expected(situation, command) });
      }
    }
    expect(SITUATIONS.length * COMMANDS.length).toBe(2 * 16 * 16 * 2 * 2 * 10);
  });

  it('repeated at once changes nothing more', () => {
    for (const situation of SITUATIONS.filter((s) => !s.expired)) {
      for (const command of COMMANDS) {
        const once = transition(stateOf(situation), command, NOW);
        if (typeof once !== 'string') expect(transition(once, command, NOW)).toBe('already');
      }
    }
  });

  it('never takes back a revocation, and lifts no hold of another', () => {
    for (const situation of SITUATIONS) {
      for (const command of COMMANDS) {
        const before = stateOf(situation);
        const after = transition(before, command, situation.expired ? AFTER : NOW);
        if (typeof after === 'string') continue;
        expect(situation.revoked).toBe(false);
        const own = 'holder' in command ? command.holder : 'subscriber';
        const gone = standingHolds(before).filter((holder) => !after.holds[holder]);
        expect(gone.every((holder) => holder === own)).toBe(true);
      }
    }
  });

  it('leaves a state whose date of listing is there exactly when it is listed', () => {
    for (const situation of SITUATIONS) {
      for (const command of COMMANDS) {
        const after = transition(stateOf(situation), command, NOW);
        if (typeof after === 'string') continue;
        expect(after.notGoodSince !== null).toBe(after.revoked !== null || standingHolds(after).length > 0);
      }
    }
  });
});

describe('the status of a card', () => {
  it('is revoked before expired before suspended before valid before pending', () => {
    for (const situation of SITUATIONS) {
      const { revoked, expired, holds, accepted } = situation;
      const status = statusOf(stateOf(situation), expired ? AFTER : NOW);
      if (revoked) expect(status).toBe('revoked');
      else if (expired) expect(status).toBe('expired');
      else if (holds.length > 0) expect(status).toBe('suspended');
      else expect(status).toBe(accepted ? 'valid' : 'pending');
    }
  });

  it('is valid through the whole last second', () => {
    const state = stateOf({ accepted: true, holds: [], lifted: [], revoked: false, expired: false });
    expect(statusOf(state, new Date('2026-11-21T15:59:59.999Z'))).toBe('valid');
    expect(statusOf(state, new Date('2026-11-21T16:00:00.000Z'))).toBe('expired');
  });
});

describe('the entry on the list', () => {
  const pending = stateOf({ accepted: false, holds: [], lifted: [], revoked: false, expired: false });
  const run = (state: CardState, ...steps: [Command, string][]) =>
    steps.reduce((before, [command, at]) => {
      const after = transition(before, command, new Date(at));
      if (typeof after === 'string') throw new Error(after);
      return after;
    }, state);

  it('has the whole second of the first hold, also when that hold is lifted and another stands', () => {
    const both = run(
      pending,
      [{ name: 'suspend' }, '2026-02-01T00:00:00.999Z'],
      [{ name: 'hold', holder: 'court' }, '2026-02-02T00:00:00Z'],
    );
    const courtOnly = run(both, [{ name: 'resume' }, '2026-02-03T00:00:00Z']);
    for (const state of [both, courtOnly]) {
      expect(listingOf(state)).toEqual({ reason: 'certificateHold', since: '2026-02-01T00:00:00Z' });
    }
    expect(listingOf(run(courtOnly, [{ name: 'release', holder: 'court' }, '2026-02-04T00:00:00Z']))).toBeNull();
  });

  it('keeps the date of the hold when the card is revoked, with the reason of the revocation', () => {
    const revoked = run(
      pending,
      [{ name: 'hold', holder: 'ca' }, '2026-02-01T00:00:00Z'],
      [{ name: 'revoke', reason: 'keyCompromise' }, '2026-02-05T00:00:00Z'],
    );
    expect(listingOf(revoked)).toEqual({ reason: 'keyCompromise', since: '2026-02-01T00:00:00Z' });
  });

  it('says since when a key was in wrong hands, if that is known, and never with a hold', () => {
    const compromisedAt = new Date('2026-01-15T00:00:00.999Z');
    const revoked = run(
      pending,
      [{ name: 'hold', holder: 'ca' }, '2026-02-01T00:00:00Z'],
      [{ name: 'revoke', reason: 'keyCompromise', compromisedAt }, '2026-02-05T00:00:00Z'],
    );
    expect(listingOf(revoked)).toEqual({
      reason: 'keyCompromise',
      since: '2026-02-01T00:00:00Z',
      invalidityDate: '2026-01-15T00:00:00Z',
    });
  });

  it('starts anew with a hold after an interruption', () => {
    const again = run(
      pending,
      [{ name: 'suspend' }, '2026-02-01T00:00:00Z'],
      [{ name: 'resume' }, '2026-02-02T00:00:00Z'],
      [{ name: 'suspend' }, '2026-02-03T00:00:00Z'],
    );
    expect(listingOf(again)).toEqual({ reason: 'certificateHold', since: '2026-02-03T00:00:00Z' });
  });

  it('is there before acceptance too, and not for a card that is only pending', () => {
    expect(listingOf(pending)).toBeNull();
    expect(listingOf(run(pending, [{ name: 'revoke', reason: 'superseded' }, '2026-02-01T00:00:00Z']))).toEqual({
      reason: 'superseded',
      since: '2026-02-01T00:00:00Z',
    });
  });
});
