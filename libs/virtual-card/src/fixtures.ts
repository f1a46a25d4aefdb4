import { CaError } from '#libs/errors';
import { type CardAlgorithm, type CardConnection, PivCard } from '#libs/piv';
import { type FamilyName } from './families.js';
import { ForeignCard } from './foreign-card.js';
import { sampleCard, type SampleCard } from './sample-card.js';
import { type VirtualCardStore } from './virtual-card-store.js';

/** Cards in the states that matter, by name. */
export const FIXTURES = {
  empty: 'as the factory delivers it: no keys, no objects, PIN 123456',
  transport: 'personalised and sent out: the transport PIN, all tries',
  touched: 'sent out, and somebody has tried two PINs on the way',
  blocked: 'sent out, and somebody has tried PINs until it locked itself',
  activated: 'in its holder’s hands, with the holder’s PIN',
  foreign: 'an ISO 7816 card of another kind, without PIV',
} as const;
export type FixtureName = keyof typeof FIXTURES;
export const FIXTURE_NAMES = Object.keys(FIXTURES) as FixtureName[];

/** What the holder of `activated` has set. */
export const HOLDER_PIN = '135790';
const WRONG_PIN = '999999';

export interface FixtureCard {
  name: FixtureName;
  cardNumber: string;
  /** The PIN it takes, or would if it were not blocked; undefined for `foreign` */
  pin: string | undefined;
  /** Of a personalised card */
  sample: SampleCard | undefined;
  powerOn(): Promise<CardConnection>;
}

export interface FixtureOptions {
  family?: FamilyName;
  digitsOnly?: boolean;
  pinTries?: number;
  /** Of 9C and 9D; RSA takes a second */
  signatureKey?: CardAlgorithm;
  transportPin?: string;
  puk?: string;
}

/** Makes such a card in the store. @throws CaError conflict when there is one with this number */
export async function makeFixture(
  store: VirtualCardStore,
  name: FixtureName,
  cardNumber: string,
  options: FixtureOptions = {},
): Promise<FixtureCard> {
  if (name === 'foreign') {
    return { name, cardNumber, pin: undefined, sample: undefined, powerOn: () => Promise.resolve(new ForeignCard()) };
  }
  const powerOn = () => store.open(cardNumber);
  if (name === 'empty') {
    await store.create(cardNumber, options);
    return { name, cardNumber, pin: '123456', sample: undefined, powerOn };
  }
  const sample = await sampleCard(store, cardNumber, options);
  const connection = await powerOn();
  const card = await PivCard.select(connection);
  if (name === 'activated') await card.changePin(sample.transportPin, HOLDER_PIN);
  if (name === 'touched') await tryWrongPins(card, 2);
  if (name === 'blocked') await tryWrongPins(card, await tries(card));
  await connection.close();
  return { name, cardNumber, pin: name === 'activated' ? HOLDER_PIN : sample.transportPin, sample, powerOn };
}

async function tries(card: PivCard): Promise<number> {
  return (await card.pinTries()) ?? 0;
}

async function tryWrongPins(card: PivCard, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    const result = await card.verifyPin(WRONG_PIN);
    if (result.ok) throw new CaError('conflict', 'the fixture’s wrong PIN is its right one');
  }
}
