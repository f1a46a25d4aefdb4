import { CaError } from '#libs/errors';

export const RETURN_STATES = ['announced', 'received', 'identified', 'decided', 'sent-back'] as const;
export type ReturnState = (typeof RETURN_STATES)[number];

/** What became of a card that was sent in (DOMAIN.md §2): 解卡, 檢測正常, 卡片損壞. */
export const OUTCOMES = ['unlocked', 'found-sound', 'defective'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * The way of a card that was sent in. Deciding again is possible while the card lies here: an unlocking may fail on a card
 * that turns out to be defective. What was decided as defective stays so: its certificates are revoked.
 */
export const RETURN_COMMANDS = {
  receive: { when: ['announced'], to: 'received' },
  identify: { when: ['received'], to: 'identified' },
  decide: { when: ['identified', 'decided'], to: 'decided' },
  'send-back': { when: ['decided'], to: 'sent-back' },
} as const satisfies Record<string, { when: readonly ReturnState[]; to: ReturnState }>;
export type ReturnCommand = keyof typeof RETURN_COMMANDS;

/** What the rules look at. */
export interface Decidable {
  readonly state: ReturnState;
  readonly outcome: Outcome | null;
  /** Acceptance told that the card was unlocked while it was here. */
  readonly unlockedAt: Date | null;
}

/**
 * A card that was unlocked here has a new transport PIN: "goes back as it is" would be wrong of it, and its holder would
 * look for the old one.
 *
 * @param asked of `decide`: what is to be decided
 * @throws CaError conflict, with the state
 */
export function nextReturnState(
  { state, outcome, unlockedAt }: Decidable,
  command: ReturnCommand,
  asked?: Outcome,
): ReturnState {
  const { when, to } = RETURN_COMMANDS[command];
  if (!(when as readonly ReturnState[]).includes(state)) {
    throw new CaError('conflict', `${command}: this case is ${state}`, { state });
  }
  if (command === 'decide' && outcome === 'defective') {
    throw new CaError('conflict', 'this card was found defective; its certificates are revoked', { state, outcome });
  }
  if ((command === 'decide' ? asked : outcome) === 'found-sound' && unlockedAt !== null) {
    throw new CaError('conflict', 'this card was unlocked here, so it is not as it came', { state, outcome });
  }
  if (command === 'send-back' && outcome === 'unlocked' && unlockedAt === null) {
    throw new CaError('conflict', 'this card was not unlocked yet', { state, outcome });
  }
  if (command === 'send-back' && outcome === 'defective') {
    throw new CaError('conflict', 'the case ends when the new card is dispatched', { state, outcome });
  }
  return to;
}
