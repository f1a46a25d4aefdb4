import { beforeAll, expect, it } from '@jest/globals';
import { sleep, systemClock } from '#libs/clock';
import type { Card } from '../demo/cards.js';
import { ask, askUntil } from '../demo/http.js';
import { checkInvariants } from '../demo/invariants.js';
import { HoldLoad, type IssuedCard, issueCards } from '../demo/load.js';
import { at, itemsOf, storyDays } from '../demo/world.js';
import { onDistributed } from './on-both-profiles.js';
import { runningInstance } from './running-instance.js';

const CARDS = 12;
const PER_SECOND = 20;
const SERVICES = ['suspension', 'issuance', 'acceptance', 'status-query', 'crl-publisher', 'portal', 'card-agent'];
const PARTS = ['kafka', 'redis', 'postgres'] as const;

/** A request that failed by an error that has no name here: not "the database is away". */
const isUnnamed = (line: string) => line.includes('request failed') && !line.includes('serviceUnavailable');

/** Each part killed once (SIGKILL) while officers work and a midnight passes. `npm run demo -- --distributed --kills n` is another form. */
onDistributed('with each part killed once under load', (profile) => {
  const instance = runningInstance(profile);
  const days = storyDays(systemClock().now());
  let cards: IssuedCard[] = [];
  let load: HoldLoad;

  const moveClock = async (to: Date) => {
    const { status } = await ask('PUT', `${instance.address.url}/throwaway/clock`, { json: { at: to.toISOString() } });
    expect(status).toBe(204);
  };
  /** So that every fault meets acts under way. */
  const moreActs = async (count: number) => {
    for (const until = load.acts.length + count; load.acts.length < until;) await sleep(20);
  };
  const listOf = (cut: Date) =>
    askUntil(
      (a) => itemsOf(a).some((list) => new Date(String(list['cut'])).getTime() === cut.getTime()),
      'GET',
      `${instance.address.url}/api/v1/crls?limit=100`,
    );

  beforeAll(async () => {
    cards = await issueCards(instance, CARDS);
    load = new HoldLoad(instance, cards, PER_SECOND);
    await load.start();
  }, 240_000);

  it.each(SERVICES)(
    '%s',
    async (service) => {
      await moreActs(10);
      await instance.disturb(service);
      await moreActs(20);
    },
    120_000,
  );

  it.each(PARTS)(
    '%s',
    async (part) => {
      await moreActs(10);
      await profile.stack!.kill(part);
      await moreActs(20);
    },
    120_000,
  );

  it('publisher and Redis around a midnight, whose list comes all the same', async () => {
    await Promise.all([profile.stack!.kill('redis'), instance.disturb('crl-publisher')]);
    await moveClock(at(days.second, 0, 1));
    await listOf(days.second);
  }, 120_000);

  it('loses no acknowledged act, doubles none, and publishes no wrong list', async () => {
    await load.stop().catch((error: unknown) => {
      const errors = instance.output.split('\n').filter(isUnnamed);
      throw new Error(errors.join('\n'), { cause: error });
    });
    await moveClock(at(days.third, 0, 1));
    await listOf(days.third);
    const known = cards.map(({ cardNumber, serials }) => ({
      ...({ way: 'A', userCode: '', pin: '', finalStatus: '' } as const),
      cardNumber,
      serials: { sign: serials.signature, enc: serials.encryption },
      history: load.history(cardNumber),
    })) satisfies Card[];
    expect(load.acts.length).toBeGreaterThan(200);
    // Search follows the log a moment later.
    for (const until = performance.now() + 30_000; performance.now() < until; await sleep(200)) {
      if ((await checkInvariants(instance, known)).length === 0) break;
    }
    expect(await checkInvariants(instance, known)).toEqual([]);
  }, 180_000);
});
