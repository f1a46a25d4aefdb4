import { rfc3339 } from '#libs/clock';
import { type AttemptStore, type CodeHasher, representativeText } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { checkNationalId } from '#libs/taiwan';
import type { Card } from '../card.entity.js';
import type { UserCodes } from '../user-code/user-codes.js';
import type { Activation } from './activation.entity.js';

/** Way B, before the card has a user code. */
export interface Representative {
  /** As `normaliseNationalId` leaves it. */
  nationalId: string;
  /** ISO date. */
  birthDate: string;
  /** An unusual national ID was confirmed (是). */
  isConfirmed: boolean;
  /** What an acceptance sets; a refusal sets nothing. */
  sets?: { email: string; userCode: string };
}

/** Who claims to be the holder. */
export type Person = { userCode: string } | Representative;

/** What the person was known by. */
export type KnownBy = 'user-code' | 'representative';

/** The person beside a card that was proven present. Outside any transaction: scrypt takes 60 ms. */
export class PersonCheck {
  constructor(
    private readonly attempts: AttemptStore,
    private readonly hasher: CodeHasher,
    private readonly userCodes: UserCodes,
  ) {}

  /**
   * The wrong way, and a card that has nothing to check yet, cost and answer what a wrong code does.
   *
   * @param origin  of the request, `sourceOf(address)`
   * @throws CaError codeRefused (3005) | tooManyAttempts | tooBusy
   */
  async check(session: Activation, card: Card, person: Person, origin: string): Promise<KnownBy> {
    const { verifier, text, by } = await this.asked(session, card, person);
    const attempt = { cardNumber: card.cardNumber, purpose: 'accept', source: origin, proven: true } as const;
    const right = await this.attempts.check(attempt, () => this.hasher.verify(verifier, text));
    if (!right) throw new CaError('codeRefused', 'check capital letters and the way of activation');
    return by;
  }

  /**
   * CARDS.md §3: a card of way B asks for its representative until a user code is set, and for that code from then on;
   * whoever sends the whole form again after a lost answer has the code in it.
   */
  private async asked(session: Activation, card: Card, person: Person) {
    const known = await this.userCodes.verifiersOf(card.cardNumber);
    const isRightWay = session.way === card.way;
    if ('userCode' in person) {
      const verifier = isRightWay ? known['user-code']?.verifier : undefined;
      return { verifier, text: person.userCode, by: 'user-code' as const };
    }
    const isRepresentative = isRightWay && card.way === 'B';
    if (known['user-code'] && person.sets) {
      const verifier = isRepresentative ? known['user-code'].verifier : undefined;
      return { verifier, text: person.sets.userCode, by: 'user-code' as const };
    }
    const verifier = isRepresentative && !known['user-code'] ? known.representative?.verifier : undefined;
    return { verifier, text: representativeText(person.nationalId, person.birthDate), by: 'representative' as const };
  }
}

/**
 * What can be said of a person's data by itself, before a nonce is used for it.
 *
 * @returns whether an unusual national ID was confirmed
 * @throws CaError invalidRequest for a birth date in the future; nationalIdUnusual, without the number
 */
export function checkForm(person: Person, now: Date): boolean {
  if ('userCode' in person) return false;
  const today = rfc3339(now).slice(0, 10);
  if (person.birthDate > today) {
    const problem = 'this date is in the future';
    throw new CaError('invalidRequest', `/birthDate: ${problem}`, { errors: [{ at: '/birthDate', problem }] });
  }
  if (checkNationalId(person.nationalId, now) === 'ok') return false;
  if (person.isConfirmed) return true;
  throw new CaError('nationalIdUnusual', '您所輸入之身分證字號不符合公式，確定輸入無誤？', {
    errors: [{ at: '/nationalId', problem: 'format or checksum is unusual' }],
    confirmWith: '/confirmed',
  });
}
