import { CardHistory, type Told, type World } from './card-history.js';

/** Tells it anew at each call, of new cards. */
export type History = (world: World) => Promise<{ cards: CardHistory[]; told: Told[] }>;

/** What may happen to a card, by name. */
export const HISTORIES: Record<string, History> = {
  'way A: opened, suspended, resumed, its user code changed twice, revoked': async (world) => {
    const card = await new CardHistory(world).issued().userCode(1);
    await card.accepted().activated().contact('second@example.com');
    await (await card.suspended().resumed().userCode(2)).userCode(3);
    return of(card.revoked('keyCompromise'));
  },

  'way B: opened by its responsible person, the user code changed, then forgotten': async (world) => {
    const card = await new CardHistory(world).issued('B').person();
    await (await card.accepted().userCode(2)).contact('first@example.com');
    await (await card.activated().userCode(3)).oneTimeCode('48151623');
    await card.suspended().userCode(4);
    return of(card.resumed());
  },

  'wrong data: refused, revoked, another card in its place': async (world) => {
    const wrong = await new CardHistory(world).issued().userCode(1);
    (await wrong.refused('the name is an old one')).revoked('superseded');
    const right = await new CardHistory(world, wrong.told).issued().userCode(1);
    right.accepted().activated();
    return of(wrong, right);
  },

  'not opened in time: blocked, held, unlocked, released; then held by officers and by its holder at once': async (
    world,
  ) => {
    const card = await new CardHistory(world).issued().userCode(1);
    card.acceptanceDue(30).locked().acceptanceDue(7).suspended('deadline').unlocked(2).resumed('deadline');
    card.accepted().activated().locked().unlocked(3);
    return of(card.suspended('ca').suspended('subscriber').resumed('ca').resumed('subscriber'));
  },

  'two midnights among its changes': async (world) => {
    const card = await new CardHistory(world).issued().userCode(1);
    return of(card.accepted().suspended().cut().watermark().resumed().cut().revoked().watermark());
  },

  'a log that was restored: revoked under a new epoch': async (world) => {
    const card = await new CardHistory(world).issued().userCode(1);
    return of(card.accepted().suspended().restored().resumed().revoked('cessationOfOperation'));
  },
};

/** For the readers of the status log, whose rows come by card and take effect by seq. */
export const OF_SEVERAL_CARDS: Record<string, History> = {
  'three cards around two midnights': async (world) => {
    const first = new CardHistory(world);
    const [second, third] = [new CardHistory(world, first.told), new CardHistory(world, first.told)];
    for (const card of [first, second, third]) card.issued();
    first.accepted().suspended();
    second.suspended('deadline').cut();
    first.resumed();
    third.revoked('affiliationChanged').cut();
    return of(first, second, third);
  },
};

function of(...cards: CardHistory[]) {
  return { cards, told: cards[0]!.told };
}
