import { describe, expect, it } from '@jest/globals';
import { withAcceptance } from '../acceptance.fixture.js';
import { type Holder, Lost, Steps } from '../holder.fixture.js';
import {
  activate,
  completeReset,
  NEW_PIN,
  playReset,
  pressReset,
  type Pressed,
  unlock,
  pressResume,
  finishPin,
} from '../pin.fixture.js';

const running = withAcceptance({ KAIKA_PIN_RESET_CODE: 'none' });
type Heal = () => Promise<void> | void;

/** Where the server, its database or `suspension` is not there while a job is asked for. */
const ASKING: Record<string, () => Promise<Heal> | Heal> = {
  'suspension cannot be reached': () => broken('before'),
  'the answer of suspension is lost': () => broken('after'),
  'the nonce is not marked as used': () => running.bench.refuseWrites('pin_reset', 'update'),
  'the attempt is not counted': () => running.bench.refuseWrites('attempt', 'insert'),
  'the job is not counted': () => running.bench.refuseWrites('card', 'update'),
  'the evidence is not written': () => running.bench.refuseWrites('evidence', 'insert'),
};

/** … while the end is told. */
const TELLING: Record<string, () => Promise<Heal>> = {
  'the card’s row': () => running.bench.refuseWrites('card', 'update'),
  'the session': () => running.bench.refuseWrites('pin_reset', 'update'),
  'the evidence': () => running.bench.refuseWrites('evidence', 'insert'),
};

/** RESET by each PUK of the job, CHANGE of the PUK, CHANGE to the holder's PIN. */
const COMMANDS = 3;

function broken(where: 'before' | 'after'): Heal {
  running.bench.centre.broken = where;
  return () => void (running.bench.centre.broken = undefined);
}

async function locked(): Promise<Holder> {
  const holder = await running.bench.issueCard();
  await activate(running.bench, holder);
  await holder.block();
  return holder;
}

/** Begins again, and comes to the end. @returns PUKs that were wrong on the way */
async function finish(holder: Holder): Promise<number> {
  const { bench } = running;
  const pressed = await pressReset(bench, holder);
  expect(pressed).toMatchObject({ status: 200, body: { state: 'released' } });
  const { wrong, signature } = await playReset(bench, holder, pressed);
  await told(pressed, signature);
  expect((await holder.verifyPin(NEW_PIN)).ok).toBe(true);
  return wrong;
}

async function told(pressed: Pressed, signature: string): Promise<void> {
  expect((await completeReset(running.bench, pressed, signature)).status).toBe(200);
  expect(await stateOf(pressed)).toMatchObject({ rotating: null, jobs: 0 });
}

async function stateOf({ session }: Pressed) {
  const [row] = await running.bench.sql<{ rotating: number | null; jobs: number }>(
    `select puk_rotating_to as rotating, puk_jobs as jobs from card join pin_reset using (card_number)
     where pin_reset.id = $1`,
    [session.id],
  );
  return row!;
}

describe('a PIN reset', () => {
  it.each(Object.keys(ASKING))('begins again when %s, and has cost nothing', async (fault) => {
    const { bench } = running;
    const holder = await locked();
    const heal = await ASKING[fault]!();
    const pressed = await pressReset(bench, holder);
    await heal();
    expect(pressed.status).toBeGreaterThanOrEqual(500);
    expect(await stateOf(pressed)).toEqual({ rotating: null, jobs: 0 });
    expect(await finish(holder)).toBe(0);
  });

  it.each(Array.from({ length: COMMANDS + 1 }, (_, done) => done))(
    'that was lost after %d commands is finished by the next job, with one wrong PUK at most',
    async (done) => {
      const { bench } = running;
      const holder = await locked();
      const pressed = await pressReset(bench, holder);
      expect(await stateOf(pressed)).toEqual({ rotating: 2, jobs: 1 }); // counted, whether it is used or not
      if (done > 0) await playReset(bench, holder, pressed, { steps: new Steps(done) }).catch(expectLost);
      expect(await finish(holder)).toBe(done < 2 ? 1 : 0);
    },
  );

  it.each(Object.keys(TELLING))(
    'whose end is not written for %s is told again, and needs no other job',
    async (fault) => {
      const { bench } = running;
      const holder = await locked();
      const pressed = await pressReset(bench, holder);
      const { signature } = await playReset(bench, holder, pressed);
      const heal = await TELLING[fault]!();
      expect((await completeReset(bench, pressed, signature)).status).toBe(500);
      await heal();
      expect(await stateOf(pressed)).toEqual({ rotating: 2, jobs: 1 });
      await told(pressed, signature);
    },
  );

  it('of which the end was seen by nobody is done once more, by the PUK that the card has', async () => {
    const { bench } = running;
    const holder = await locked();
    const pressed = await pressReset(bench, holder);
    const { signature } = await playReset(bench, holder, pressed);
    expect(await finish(holder)).toBe(0);
    expect((await completeReset(bench, pressed, signature)).status).toBe(410); // another took over
  });

  /** puk.spec.ts has every order of losses. Then the card goes to the centre, which finds the right PUK, and it is whole again. */
  it.each([
    [0, 0],
    [1, 1],
    [2, 1],
    [3, 3],
  ])('lost after %d and %d commands sends the card to the centre, not useless', async (first, second) => {
    const { bench } = running;
    const holder = await locked();
    for (const [before, done] of [first, second].entries()) {
      const pressed = await pressReset(bench, holder);
      expect(pressed).toMatchObject({ status: 200, body: { lastOnline: before === 1 } });
      if (done > 0) await playReset(bench, holder, pressed, { steps: new Steps(done) }).catch(expectLost);
    }
    expect(await pressReset(bench, holder)).toMatchObject({
      status: 409,
      body: {
        type: 'urn:kaika:error:cardNeedsCentre',
        hint: { zh: expect.stringContaining('寄回'), en: expect.stringContaining('Send the card') },
      },
    });
    expect((await unlock(bench, holder)).status).toBe(200);
    await finishPin(bench, holder, await pressResume(bench, holder), NEW_PIN);
    await holder.block();
    expect(await finish(holder)).toBe(0);
  });
});

function expectLost(error: unknown): void {
  if (!(error instanceof Lost)) throw error;
}
