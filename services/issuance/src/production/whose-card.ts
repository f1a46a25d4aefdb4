import { X509Certificate } from 'node:crypto';
import { CaError } from '#libs/errors';
import { type PivCard, type Slot, VIRTUAL_ASCII, VIRTUAL_DIGITS } from '#libs/piv';
import type { CardInProduction, ProductionRecords } from './production-records.js';

const SLOTS: readonly Slot[] = ['9E', '9C', '9D'];

/**
 * That the card in the station is the one that is to be made: this card, begun before, or, as long as none has its
 * identity, a blank one. Some makers give their blank cards a CHUID, none a certificate; ours have theirs before any
 * certificate. What a card says of itself is enough here: a lie would gain a card whose keys are made anew, and 9B must
 * open it.
 *
 * A second card never gets an identity, and a management key, that a first one has: of steps on record as done, the second
 * would have had none. A card that broke goes through `DefectiveInStock`, and another number takes its place.
 *
 * @throws CaError wrongCardInStation, naming the card as far as it is known here | otherCardFamily: whoever delivered it, or
 *   took it in, said that it is another kind of card
 */
export async function mustBeTheCard(
  piv: PivCard,
  card: Pick<CardInProduction, 'cardNumber' | 'cardUuid' | 'family'>,
  records: Pick<ProductionRecords, 'cardOf' | 'stepState'>,
): Promise<void> {
  await mustNotBeAnother(piv, card, records);
  const found = piv.profile.name === VIRTUAL_DIGITS.name ? VIRTUAL_ASCII.name : piv.profile.name;
  if (card.family === null || card.family === found) return;
  const { cardNumber, family: expected } = card;
  const detail = `${cardNumber} was delivered as ${expected}, and what lies in the station is ${found}`;
  throw new CaError('otherCardFamily', detail, { expected, found });
}

async function mustNotBeAnother(
  piv: PivCard,
  { cardNumber, cardUuid }: Pick<CardInProduction, 'cardNumber' | 'cardUuid'>,
  records: Pick<ProductionRecords, 'cardOf' | 'stepState'>,
): Promise<void> {
  const present = await piv.chuid();
  if (present?.cardUuid.toLowerCase() === cardUuid.toLowerCase()) {
    const der = await piv.readCertificate('9E');
    const named = der && numberIn(der);
    if (der && named !== cardNumber) throw wrong(cardNumber, `a card that calls itself ${named ?? 'nothing'}`);
    return;
  }
  const other = present && (await records.cardOf(present.cardUuid));
  if (other) throw wrong(cardNumber, `the card ${other.cardNumber}, which is ${other.state}`, other);
  if ((await records.stepState(cardNumber, 'identity')) === 'done') {
    throw wrong(cardNumber, 'a card without its identity, which it was seen to have');
  }
  for (const slot of SLOTS) {
    if (await piv.readCertificate(slot)) throw wrong(cardNumber, 'a card of somebody else’s');
  }
}

/** The number in the subject of a 9E certificate. */
function numberIn(der: Buffer): string | undefined {
  return /^CN=([A-Z0-9]{16})$/.exec(new X509Certificate(der).subject)?.[1];
}

function wrong(expected: string, lies: string, other?: { cardNumber: string; state: string }): CaError {
  return new CaError('wrongCardInStation', `instead of ${expected} there lies ${lies}`, {
    expected,
    ...(other && { found: other.cardNumber, foundState: other.state }),
  });
}
