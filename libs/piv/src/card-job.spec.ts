import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { type CardJob, type CardJobOpener, makeCardJob, openCardJob } from './card-job.js';

const centre = generateKeyPairSync('ed25519');
const agent = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const NOW = new Date('2026-11-21T10:00:00Z');
const after = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

const of = { cardNumber: 'EC12345678901234', session: 'session-1' };
const setPin: CardJob = { ...of, kind: 'set-pin', transportPin: '13572468', earlierJob: false };
const JOBS: CardJob[] = [
  setPin,
  { ...setPin, earlierJob: true },
  { ...of, kind: 'reset-pin', puks: ['24681357'], oneUsePin: '13572468', nextPuk: '86427531' },
  { ...of, kind: 'unlock', puks: ['24681357', '86427531'], transportPin: '13572468', nextPuk: '24681357' },
];
const spki = (pair: typeof agent) => pair.publicKey.export({ type: 'spki', format: 'der' });
const made = (job: CardJob = setPin, pair = agent, signingKey = centre.privateKey) =>
  makeCardJob(job, { signingKey, agentKey: spki(pair), now: NOW, jobId: 'job-1' });

const opener: CardJobOpener = {
  verificationKey: centre.publicKey,
  ephemeralKey: agent.privateKey,
  cardNumber: of.cardNumber,
  session: of.session,
  now: after(30),
};
const refused = { code: 'jobRefused', message: expect.not.stringContaining('1357') };

describe('a card job', () => {
  it.each(JOBS)('is opened by the agent it was made for: $kind', async (job) => {
    expect(await openCardJob(await made(job), opener)).toEqual({ ...job, jobId: 'job-1' });
  });

  it.each(JOBS)('shows nobody on the way a PIN, a PUK or the card: $kind', async (job) => {
    const text = Buffer.from((await made(job)).split('.').join(''), 'base64url').toString('latin1');
    for (const secret of ['13572468', '24681357', '86427531', of.cardNumber]) expect(text).not.toContain(secret);
  });

  it('is refused after 60 seconds, and long before its time', async () => {
    await openCardJob(await made(), { ...opener, now: after(59) });
    await expect(openCardJob(await made(), { ...opener, now: after(61) })).rejects.toMatchObject(refused);
    await expect(openCardJob(await made(), { ...opener, now: after(-61) })).rejects.toMatchObject(refused);
  });

  it('is refused for another card, session or agent', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const anotherCard = await made({ ...setPin, cardNumber: 'EC1' });
    await expect(openCardJob(anotherCard, opener)).rejects.toMatchObject(refused);
    const anotherSession = await made({ ...setPin, session: 'session-2' });
    await expect(openCardJob(anotherSession, opener)).rejects.toMatchObject(refused);
    await expect(openCardJob(await made(setPin, other), opener)).rejects.toMatchObject(refused);
  });

  it('is refused when another than the centre signed it', async () => {
    const stranger = generateKeyPairSync('ed25519');
    await expect(openCardJob(await made(setPin, agent, stranger.privateKey), opener)).rejects.toMatchObject(refused);
  });

  it('cannot be passed on, encrypted anew, by an agent that opened it', async () => {
    const first = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { plaintext } = await compactDecrypt(await made(setPin, first), first.privateKey);
    const header = { alg: 'ECDH-ES', enc: 'A256GCM' };
    const passedOn = await new CompactEncrypt(plaintext).setProtectedHeader(header).encrypt(agent.publicKey);
    await expect(openCardJob(passedOn, opener)).rejects.toMatchObject(refused);
  });

  it('has one PUK or two, and nothing that is no field of its kind', async () => {
    const reset = JOBS[2] as Extract<CardJob, { kind: 'reset-pin' }>;
    const three = { ...reset, puks: ['24681357', '86427531', '13572468'] };
    const wrong = [{ ...reset, puks: [] }, three, { ...reset, transportPin: '13572468' }, { ...reset, nextPuk: '123' }];
    for (const job of wrong) await expect(openCardJob(await made(job), opener)).rejects.toMatchObject(refused);
    await expect(openCardJob(await made({ ...setPin, kind: 'x' } as never), opener)).rejects.toMatchObject(refused);
  });

  it('is refused when it is anything else', async () => {
    for (const text of ['', 'a.b.c.d.e', 'x'.repeat(10_000), (await made()).slice(0, -4)]) {
      await expect(openCardJob(text, opener)).rejects.toMatchObject(refused);
    }
  });
});
