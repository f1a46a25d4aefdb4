import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pino from 'pino';
import { systemClock } from '#libs/clock';
import { type CardJob, FACTORY_PUK, makeCardJob, PivCard, proofSchema } from '#libs/piv';
import { sampleCard } from '#libs/virtual-card';
import { CardService } from '../card.service.js';
import { JobOpener } from '../job-opener.js';
import { CardGates } from '../readers/card-gates.js';
import { TestReaders } from '../readers/readers.fixture.js';
import { PinService } from './pin.service.js';

const ORIGIN = 'https://ca.example';
const [TRANSPORT_PIN, ONE_USE_PIN, NEXT_PUK, HOLDERS_PIN] = ['24681357', '90909090', '87654321', 'Ab1!xy'];
const PIN_TRIES = 5;
const PUK_TRIES = 3;
/** INS and P2 */
const [VERIFY, RESET, CHANGE, CHANGE_PUK] = ['20 80', '2c 80', '24 80', '24 81'];
/** Less than a command may take alone. */
const REQUEST_MS = 5_000;

const readers = new TestReaders();
const centre = generateKeyPairSync('ed25519');
const clock = systemClock();
const gates = new CardGates(readers, clock, { requestMs: REQUEST_MS });
const cards = new CardService(gates, clock);
const jobs = new JobOpener(cards, clock, centre.publicKey.export({ format: 'jwk' }));
const pins = new PinService(gates, jobs, clock, pino({ level: 'silent' }));
let card = '';
let last = 0;

async function openFor(purpose: 'accept' | 'pin-reset', job: object): Promise<string> {
  const [session, nonce] = [`session ${card}`, randomBytes(32)];
  const proof = proofSchema.parse(await cards.prove({ session, nonce, purpose, origin: ORIGIN }));
  const signer = { signingKey: centre.privateKey, agentKey: proof.ephemeralKey, now: clock.now(), jobId: session };
  const text = await makeCardJob({ cardNumber: card, session, ...job } as CardJob, signer);
  return pins.openForJob({ session, nonce, origin: ORIGIN, job: text });
}

const setPin = () => openFor('accept', { kind: 'set-pin', transportPin: TRANSPORT_PIN, earlierJob: false });
const resetPin = () =>
  openFor('pin-reset', { kind: 'reset-pin', puks: [FACTORY_PUK], nextPuk: NEXT_PUK, oneUsePin: ONE_USE_PIN });
const changePin = () => pins.openChange(ORIGIN);

const submit = (id: string) =>
  pins.submit(id, { oldPin: TRANSPORT_PIN, newPin: HOLDERS_PIN, confirmPin: HOLDERS_PIN }, pins.deadline());

async function onTheCard<T>(work: (card: PivCard) => Promise<T>): Promise<T> {
  const connection = await readers.store.open(card);
  try {
    return await work(await PivCard.select(connection));
  } finally {
    await connection.close();
  }
}

beforeEach(async () => {
  card = `EC${String((last += 1)).padStart(14, '0')}`;
  await sampleCard(readers.store, card, { transportPin: TRANSPORT_PIN, pinTries: PIN_TRIES });
  readers.a.late = undefined;
  readers.a.insert(card);
});
afterEach(() => void jest.useRealTimers());
afterAll(() => readers.close());

describe('a deadline that falls before a command', () => {
  /** At which of its commands a page's one submission notes that the card may have changed, counted from 0. */
  async function pointsOf(open: () => Promise<string>): Promise<number[]> {
    const putBack = readers.keep(card);
    const id = await open();
    readers.a.sent = [];
    expect((await submit(id)).state).toBe('done');
    putBack();
    return [...readers.a.sent.keys()].filter((at) => ['2c', '24'].includes(readers.a.sent[at]!));
  }

  /** Submits a page whose time is over while the command of this number, counted from 0, would be the next. */
  async function submitTooLateFor(id: string, at: number): Promise<void> {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'Date', 'hrtime'] });
    let answer: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      readers.a.late = {
        at,
        answer: () => {
          resolve();
          return new Promise((arrives) => (answer = arrives));
        },
      };
    });
    readers.a.sent = [];
    const submitted = submit(id).catch((error: unknown) => error);
    await reached;
    await jest.advanceTimersByTimeAsync(REQUEST_MS + 1_000);
    expect(await submitted).toMatchObject({ code: 'cardCommunication' });
    readers.a.late = undefined;
    jest.useRealTimers();
    answer();
  }

  it.each([
    ['設定PIN碼', setPin, [CHANGE, VERIFY]],
    ['忘記PIN碼', resetPin, [RESET, CHANGE_PUK, CHANGE, VERIFY]],
    ['變更PIN碼', changePin, [CHANGE]],
  ])('%s: the page sent again does what is left, each command once', async (_, open, once) => {
    const points = await pointsOf(open);
    expect(points).toHaveLength(once.filter((command) => command !== VERIFY).length);
    const putBack = readers.keep(card);
    for (const [done, at] of points.entries()) {
      putBack();
      readers.a.insert(card);
      const id = await open();
      readers.a.attempts = [];
      await submitTooLateFor(id, at);
      expect((await submit(id)).state).toBe('done');
      expect([done, readers.a.attempts]).toEqual([done, once]);
      await onTheCard(async (it) => {
        expect(await it.pinTries()).toBe(PIN_TRIES);
        expect((await it.metadata('puk'))?.tries?.left).toBe(PUK_TRIES);
        expect(await it.verifyPin(HOLDERS_PIN)).toEqual({ ok: true });
      });
    }
  });
});
