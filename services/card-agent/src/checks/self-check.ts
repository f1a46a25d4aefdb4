import type { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { type CardReading, readCard } from '../card-facts.js';
import { mustBeSameCard } from '../card.service.js';
import { asHint, type Hint, hintOf } from '../page/hints.js';
import type { CardGates } from '../readers/card-gates.js';
import { type CertificateProblem, certificateProblem } from './certificates.js';
import { CERTIFICATE_HINTS, ITEMS } from './check-texts.js';

export interface CheckItem {
  number: number;
  result: 'pass' | 'fail' | 'skipped' | 'on-the-agents-page';
  title: Hint;
  hint?: Hint;
}

/** How far it came: everything before this item passed. */
type Stop = { at: number; hint?: Hint };

const NO_SERVICE = 3;
const NO_READER = 4;
const NO_CARD = 5;
const READING = 6;
const WHAT_IS_READ = 7;
const CERTIFICATES = 8;
const LAST_WITHOUT_PIN = 8;

/**
 * The self-check of a user's machine (DOMAIN §6), without a PIN and without using a try. 9 and 10 want the PIN: they are
 * on the agent's own page, when the holder opens it.
 */
export class SelfCheck {
  /** @param issuers DER certificates of the centre's CAs; none: only that the card's certificates have one issuer */
  constructor(
    private readonly gates: CardGates,
    private readonly clock: Clock,
    private readonly issuers: readonly Buffer[],
  ) {}

  /** @param reader undefined: the one that holds a card */
  async run(reader?: string): Promise<CheckItem[]> {
    const stop = await this.firstFailure(reader);
    return Object.entries(ITEMS).map(([key, text]) => {
      const number = Number(key);
      const item = { number, title: asHint(text) };
      if (stop && number === stop.at) return { ...item, result: 'fail', hint: stop.hint };
      if (stop && number > stop.at) return { ...item, result: 'skipped' };
      return { ...item, result: number > LAST_WITHOUT_PIN ? 'on-the-agents-page' : 'pass' };
    });
  }

  /** 1 and 2 have passed when somebody can ask. */
  private async firstFailure(reader?: string): Promise<Stop | undefined> {
    let selected = false;
    try {
      const reading = await this.gates.use({ reader, permission: 'look' }, async (card) => {
        selected = true;
        const found = await readCard(card);
        await mustBeSameCard(card, found); // its 9E key is its certificate's
        return found;
      });
      const problem = this.problemOf(reading);
      return problem && { at: CERTIFICATES, hint: asHint(CERTIFICATE_HINTS[problem]) };
    } catch (error) {
      if (!(error instanceof CaError)) throw error;
      return { at: itemOf(error, selected), hint: hintOf(error) };
    }
  }

  private problemOf(reading: CardReading): CertificateProblem | undefined {
    return certificateProblem(reading, this.clock.now(), this.issuers);
  }
}

function itemOf({ code, params }: CaError, selected: boolean): number {
  if (code === 'noReader') return params.state === 'pcsc-missing' ? NO_SERVICE : NO_READER;
  if (!selected) return NO_CARD;
  // A PIV card that lacks a certificate or its number is no card of ours; one that breaks off while it is read …
  return code === 'unknownCardKind' ? WHAT_IS_READ : READING;
}
