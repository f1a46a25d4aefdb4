import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { makePinJob, openPinJob, type PinJobOpener } from './pin-job.js';

const centre = generateKeyPairSync('ed25519');
const agent = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const NOW = new Date('2026-11-21T10:00:00Z');
const after = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

const job = { cardNumber: 'EC12345678901234', session: 'session-1', transportPin: '13572468', earlierJob: false };
const spki = (pair: typeof agent) => pair.publicKey.export({ type: 'spki', format: 'der' });
const made = (changed: Partial<typeof job> = {}, pair = agent, signingKey = centre.privateKey) =>
  makePinJob({ ...job, ...changed }, { signingKey, agentKey: spki(pair), now: NOW, jobId: 'job-1' });

const opener: PinJobOpener = {
  verificationKey: centre.publicKey,
  ephemeralKey: agent.privateKey,
  cardNumber: job.cardNumber,
  session: job.session,
  now: after(30),
};
const refused = { code: 'jobRefused', message: expect.not.stringContaining('1357') };

describe('a PIN job', () => {
  it('is opened by the agent it was made for', async () => {
    expect(await openPinJob(await made(), opener)).toEqual({ ...job, jobId: 'job-1' });
    expect(await openPinJob(await made({ earlierJob: true }), opener)).toMatchObject({ earlierJob: true });
  });

  it('shows nobody on the way the PIN or the card', async () => {
    const text = Buffer.from((await made()).split('.').join(''), 'base64url').toString('latin1');
    for (const secret of [job.transportPin, job.cardNumber]) expect(text).not.toContain(secret);
  });

  it('is refused after 60 seconds, and long before its time', async () => {
    await openPinJob(await made(), { ...opener, now: after(59) });
    await expect(openPinJob(await made(), { ...opener, now: after(61) })).rejects.toMatchObject(refused);
    await expect(openPinJob(await made(), { ...opener, now: after(-61) })).rejects.toMatchObject(refused);
  });

  it('is refused for another card, session or agent', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await expect(openPinJob(await made({ cardNumber: 'EC1' }), opener)).rejects.toMatchObject(refused);
    await expect(openPinJob(await made({ session: 'session-2' }), opener)).rejects.toMatchObject(refused);
    await expect(openPinJob(await made({}, other), opener)).rejects.toMatchObject(refused);
  });

  it('is refused when another than the centre signed it', async () => {
    const stranger = generateKeyPairSync('ed25519');
    await expect(openPinJob(await made({}, agent, stranger.privateKey), opener)).rejects.toMatchObject(refused);
  });

  it('cannot be passed on, encrypted anew, by an agent that opened it', async () => {
    const first = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { plaintext } = await compactDecrypt(await made({}, first), first.privateKey);
    const header = { alg: 'ECDH-ES', enc: 'A256GCM' };
    const passedOn = await new CompactEncrypt(plaintext).setProtectedHeader(header).encrypt(agent.publicKey);
    await expect(openPinJob(passedOn, opener)).rejects.toMatchObject(refused);
  });

  it('is refused when it is anything else', async () => {
    for (const text of ['', 'a.b.c.d.e', 'x'.repeat(10_000), (await made()).slice(0, -4)]) {
      await expect(openPinJob(text, opener)).rejects.toMatchObject(refused);
    }
  });
});
