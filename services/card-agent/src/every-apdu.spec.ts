import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { systemClock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { type CardJob, FACTORY_PUK, makeCardJob, PivCard, proofSchema, type ProofPurpose } from '#libs/piv';
import { sampleCard } from '#libs/virtual-card';
import { CardService } from './card.service.js';
import { JobOpener } from './job-opener.js';
import { PinService } from './pin/pin.service.js';
import { CardGates } from './readers/card-gates.js';
import { type Fault, TestReaders } from './readers/readers.fixture.js';
import { UnlockService } from './unlock.service.js';

const ORIGIN = 'https://ca.example';
const [TRANSPORT_PIN, NEXT_TRANSPORT_PIN, ONE_USE_PIN, NEXT_PUK] = ['24681357', '13572468', '90909090', '87654321'];
const [HOLDERS_PIN, FORGOTTEN_PIN] = ['Ab1!xy', 'Lost1!'];
const PIN_TRIES = 5;
const PUK_TRIES = 3;
/** INS */
const [RESET, CHANGE] = ['2c', '24'];

const readers = new TestReaders();
const centre = generateKeyPairSync('ed25519');
const log = pino({ level: 'silent' });
const clock = systemClock();
let lastJob = 0;
/** Each flow has a card of its own. */
let card = 'EC00000000000000';

/** A started agent: killed by being left. */
function newAgent() {
  const gates = new CardGates(readers, clock);
  const cards = new CardService(gates, clock);
  const jobs = new JobOpener(cards, clock, centre.publicKey.export({ format: 'jwk' }));
  return { cards, pins: new PinService(gates, jobs, clock, log), unlocks: new UnlockService(gates, jobs, log) };
}
type Agent = ReturnType<typeof newAgent>;

/** What the server remembers of one flow: that a job was sent out before. */
interface Server {
  jobsSent: number;
}

/** Proof, and the job that answers it. */
async function order(agent: Agent, purpose: ProofPurpose, job: object) {
  const [session, nonce] = [`session ${++lastJob}`, randomBytes(32)];
  const proof = proofSchema.parse(await agent.cards.prove({ session, nonce, purpose, origin: ORIGIN }));
  const signer = { signingKey: centre.privateKey, agentKey: proof.ephemeralKey, now: clock.now(), jobId: session };
  const text = await makeCardJob({ cardNumber: card, session, ...job } as CardJob, signer);
  return { session, nonce, origin: ORIGIN, job: text };
}

async function typeInto(agent: Agent, id: string): Promise<string> {
  const typed = { oldPin: '', newPin: HOLDERS_PIN, confirmPin: HOLDERS_PIN };
  const { state } = await agent.pins.submit(id, typed, agent.pins.deadline());
  return state;
}

/** After a rotation whose end nobody saw the card has one of two: the next is tried first, then they take turns. */
function puksOf({ jobsSent }: Server): string[] {
  if (jobsSent === 0) return [FACTORY_PUK];
  return jobsSent % 2 === 1 ? [NEXT_PUK, FACTORY_PUK] : [FACTORY_PUK, NEXT_PUK];
}

interface Flow {
  /** Sent out before, none of which came to the card */
  jobsBefore?: number;
  /** Which of its commands the card is pulled at, where the others are another flow's too */
  pulledAt?: (commands: string[]) => number[];
  purpose: ProofPurpose;
  job: (server: Server) => object;
  /** Answers the state it ended in. */
  run: (agent: Agent, job: Awaited<ReturnType<typeof order>>, page: { id?: string }) => Promise<string>;
  /** How the card is before it, and that it is as it should be after it */
  before: (card: PivCard) => Promise<unknown>;
  after: (card: PivCard) => Promise<void>;
}

const onPage: Flow['run'] = async (agent, job, page) => {
  page.id = await agent.pins.openForJob(job);
  return typeInto(agent, page.id);
};

/** What the centre reckons with: a job costs one try of the PUK at most, whatever is done on its page. */
async function expectOnePukTryLost(card: PivCard): Promise<void> {
  expect((await card.metadata('puk'))?.tries?.left).toBeGreaterThanOrEqual(PUK_TRIES - 1);
}

async function expectNextPuk(card: PivCard): Promise<void> {
  expect(await card.resetPin(NEXT_PUK, '11111111')).toEqual({ ok: true });
}

const FORGOTTEN: Flow = {
  purpose: 'pin-reset',
  job: (server) => ({ kind: 'reset-pin', puks: puksOf(server), nextPuk: NEXT_PUK, oneUsePin: ONE_USE_PIN }),
  run: onPage,
  before: async (card) => {
    await card.changePin(TRANSPORT_PIN, FORGOTTEN_PIN);
    await block(card);
  },
  after: async (card) => {
    expect(await card.verifyPin(HOLDERS_PIN)).toEqual({ ok: true });
    await expectNextPuk(card);
  },
};

const FLOWS: Record<string, Flow> = {
  'an activation': {
    purpose: 'accept',
    job: ({ jobsSent }) => ({ kind: 'set-pin', transportPin: TRANSPORT_PIN, earlierJob: jobsSent > 0 }),
    run: onPage,
    before: () => Promise.resolve(),
    after: async (card) => {
      expect(await card.pinTries()).toBe(PIN_TRIES); // no try was wasted
      expect(await card.verifyPin(HOLDERS_PIN)).toEqual({ ok: true });
    },
  },
  'an unlocking at the centre': {
    purpose: 'unlock',
    job: (server) => ({
      ...{ kind: 'unlock', puks: puksOf(server), nextPuk: NEXT_PUK },
      transportPin: NEXT_TRANSPORT_PIN,
    }),
    run: async (agent, job) => (await agent.unlocks.unlock(job)).state,
    before: block,
    after: async (card) => {
      expect(await card.verifyPin(NEXT_TRANSPORT_PIN)).toEqual({ ok: true });
      await expectNextPuk(card);
    },
  },
  'a forgotten PIN': FORGOTTEN,
  'a forgotten PIN by two PUKs, of which the second is right': {
    ...FORGOTTEN,
    jobsBefore: 1,
    pulledAt: (commands) => [...commands.keys()].slice(commands.indexOf(RESET), commands.indexOf(CHANGE) + 1),
  },
};

async function block(card: PivCard): Promise<void> {
  while ((await card.pinTries()) !== 0) await card.verifyPin('00000000');
}

async function onTheCard(work: (card: PivCard) => Promise<unknown>): Promise<void> {
  const connection = await readers.store.open(card);
  try {
    await work(await PivCard.select(connection));
  } finally {
    await connection.close();
  }
}

/** One whole session by a fresh proof and a fresh job. */
async function wholeSession(agent: Agent, flow: Flow, server: Server, page: { id?: string } = {}): Promise<string> {
  const job = await order(agent, flow.purpose, flow.job(server));
  server.jobsSent += 1;
  return flow.run(agent, job, page);
}

const withoutCard = (error: unknown) => {
  if (!(error instanceof CaError)) throw error;
  expect(error.code).toBe('cardRemoved');
  return 'removed';
};

describe.each(Object.entries(FLOWS))('a card pulled out of %s', (name, flow) => {
  const newServer = (): Server => ({ jobsSent: flow.jobsBefore ?? 0 });
  let putBack: () => void;
  let commands: string[];
  const points = () => flow.pulledAt?.(commands) ?? [...commands.keys()];

  beforeAll(async () => {
    card = `EC${String(Object.keys(FLOWS).indexOf(name)).padStart(14, '0')}`;
    await sampleCard(readers.store, card, { transportPin: TRANSPORT_PIN, pinTries: PIN_TRIES });
    await onTheCard(flow.before);
    putBack = readers.keep(card);
    readers.a.fault = undefined;
    readers.a.sent = [];
    readers.a.insert(card);
    expect(await wholeSession(newAgent(), flow, newServer())).toBe('done');
    commands = readers.a.sent;
    await onTheCard(flow.after);
  });

  /** Pulled once as the fault says, then in the reader again. */
  async function pulled(fault: Fault, agent: Agent, server: Server, page: { id?: string }): Promise<void> {
    putBack();
    readers.a.sent = [];
    readers.a.fault = fault;
    readers.a.insert(card);
    expect(await wholeSession(agent, flow, server, page).catch(withoutCard)).toBe('removed');
    readers.a.fault = undefined;
    readers.a.insert(card);
  }

  /** The first CHANGE of a job with PUKs is the PUK's, the second the PIN's. */
  const isPukCommand = (at: number) =>
    commands.includes(RESET) && (commands[at] === RESET || at === commands.indexOf(CHANGE));

  it.each(['before', 'after'] as const)(
    '%s any of its commands, the agent gone too: a fresh session ends it',
    async (when) => {
      for (const at of points()) {
        const server = newServer();
        await pulled({ at: at + 1, when }, newAgent(), server, {});
        expect(await wholeSession(newAgent(), flow, server)).toBe('done');
        await onTheCard(flow.after);
      }
    },
  );

  it.each(['before', 'after'] as const)(
    '%s any of its commands, the page still open: it, or a fresh session, ends it',
    async (when) => {
      for (const at of points()) {
        const [server, agent, page] = [newServer(), newAgent(), {} as { id?: string }];
        await pulled({ at: at + 1, when }, agent, server, page);
        readers.a.sent = [];
        const first = page.id === undefined ? 'refused' : await typeInto(agent, page.id);
        await onTheCard(expectOnePukTryLost);
        if (isPukCommand(at)) {
          expect(first).toBe('refused');
          expect(readers.a.sent.filter((ins) => ins === RESET || ins === CHANGE)).toEqual([]);
        }
        if (first !== 'done') {
          expect(first).toBe('refused');
          expect(await wholeSession(agent, flow, server)).toBe('done');
        }
        await onTheCard(flow.after);
      }
    },
  );
});

afterAll(() => readers.close());
