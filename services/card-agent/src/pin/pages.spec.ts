import { verify, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FACTORY_PUK, PivCard, verifyPinReset, verifyUnlocked, type WireProof } from '#libs/piv';
import { type SampleCard, sampleCard } from '#libs/virtual-card';
import { type Agent, PORTAL, startAgent, TRANSPORT_PIN } from '../agent.fixture.js';
import { agentSignatureMessage } from './known-pin.js';

const [NEXT_PUK, ONE_USE_PIN, NEXT_TRANSPORT_PIN] = ['87654321', '90909090', '13572468'];
const [OLD_PIN, NEW_PIN] = ['Old12345', 'New!1234'];

describe('the pages beside an activation', () => {
  let agent: Agent;
  let card: SampleCard;
  let last = 0;
  beforeAll(async () => {
    agent = await startAgent();
  });
  afterAll(() => agent.stop());

  async function newCard(pin = OLD_PIN): Promise<void> {
    last += 1;
    card = await sampleCard(agent.store, `EC${String(last).padStart(14, '0')}`, { transportPin: TRANSPORT_PIN });
    await onTheCard((it) => it.changePin(TRANSPORT_PIN, pin));
    await agent.insert(card.cardNumber);
  }

  async function onTheCard<T>(work: (card: PivCard) => Promise<T>): Promise<T> {
    const connection = await agent.store.open(card.cardNumber);
    try {
      return await work(await PivCard.select(connection));
    } finally {
      await connection.close();
    }
  }
  const triesLeft = () => onTheCard((it) => it.pinTries());
  const open = async (path: string, body: object = {}) => agent.pageOf(await agent.api('POST', path, body));

  describe('變更 PIN 碼', () => {
    it('asks for the old PIN and twice for the new one, and says what was wrong', async () => {
      await newCard();
      const { path, poll } = await open('/v1/pin-changes');
      const { text } = await agent.send('GET', path, {});
      for (const field of ['oldPin', 'newPin', 'confirmPin']) expect(text).toContain(`name="${field}" type="password"`);
      expect(text).toContain('變更IC卡PIN碼');

      const type = (oldPin: string, newPin: string, confirmPin = newPin) =>
        agent.sendForm(path, { oldPin, newPin, confirmPin });
      expect((await type(OLD_PIN, NEW_PIN, 'New!1235')).text).toContain('兩次輸入的PIN碼不同');
      expect(await triesLeft()).toBe(5);
      const wrong = await type('wrong123', NEW_PIN);
      expect(wrong.status).toBe(409);
      expect(wrong.text).toMatch(/PIN碼錯誤.*剩餘次數<\/dt><dd>4|剩餘次數<\/dt><dd>4[^]*PIN碼錯誤/);
      expect((await type(OLD_PIN, NEW_PIN)).text).toContain('PIN碼變更完成');
      expect(await poll()).toMatchObject({ kind: 'change-pin', state: 'done' });
      expect(await onTheCard((it) => it.verifyPin(NEW_PIN))).toEqual({ ok: true });
    });

    it('sends nothing at the last try, and closes when it comes to it', async () => {
      await newCard();
      const { path, poll } = await open('/v1/pin-changes');
      for (const left of [4, 3, 2]) {
        await agent.sendForm(path, { oldPin: 'wrong123', newPin: NEW_PIN, confirmPin: NEW_PIN });
        expect(await triesLeft()).toBe(left);
      }
      const closing = await agent.sendForm(path, { oldPin: 'wrong123', newPin: NEW_PIN, confirmPin: NEW_PIN });
      expect(closing.text).toContain('只剩一次輸入機會');
      expect(await poll()).toMatchObject({ state: 'last-try', pinTries: 1 });
      const again = await open('/v1/pin-changes');
      await agent.sendForm(again.path, { oldPin: OLD_PIN, newPin: NEW_PIN, confirmPin: NEW_PIN });
      expect(await again.poll()).toMatchObject({ state: 'last-try' });
      expect(await triesLeft()).toBe(1);
    });

    it('after a card pulled at the change, takes the new PIN for what the card has', async () => {
      await newCard();
      await agent.insert(card.cardNumber, true);
      const { path, poll } = await open('/v1/pin-changes');
      const form = { oldPin: OLD_PIN, newPin: NEW_PIN, confirmPin: NEW_PIN };
      expect((await agent.sendForm(path, form)).text).toContain('卡片已被取出');
      await agent.insert(card.cardNumber);
      expect((await agent.sendForm(path, form)).text).toContain('PIN碼變更完成');
      expect(await poll()).toMatchObject({ state: 'done' });
      expect(await triesLeft()).toBe(5);
    });
  });

  it('signs the asking origin and its nonce by 9C, never what a page made up', async () => {
    await newCard();
    const { path, poll } = await open('/v1/signatures', { nonce: agent.nonce });
    const page = await agent.send('GET', path, {});
    expect(page.text).toContain(`<dt>網站</dt><dd>${PORTAL}</dd>`);
    expect(page.text).not.toContain('newPin');
    expect((await agent.sendForm(path, { oldPin: OLD_PIN })).text).toContain('簽章完成');
    const { signature, certificate } = await poll();
    expect(Buffer.from(certificate, 'base64url')).toEqual(card.signatureCertificate);
    const { publicKey } = new X509Certificate(card.signatureCertificate);
    const fits = (origin: string, nonce: Buffer) =>
      verify('sha256', agentSignatureMessage(origin, nonce), publicKey, Buffer.from(signature, 'base64url'));
    const nonce = Buffer.from(agent.nonce, 'base64url');
    expect(fits(PORTAL, nonce)).toBe(true);
    expect(fits('https://kiosk.example:8443', nonce)).toBe(false);
    expect(verify('sha256', nonce, publicKey, Buffer.from(signature, 'base64url'))).toBe(false);
    expect((await agent.api('POST', '/v1/signatures', { hash: agent.nonce })).status).toBe(400);
  });

  it('checks PIN and signature for items 9 and 10, and signs nothing for anybody', async () => {
    await newCard();
    const { path, poll } = await open('/v1/pin-checks');
    expect((await agent.sendForm(path, { oldPin: 'wrong123' })).text).toContain('PIN碼錯誤');
    expect((await agent.sendForm(path, { oldPin: OLD_PIN })).text).toContain('測試簽章成功');
    expect(await poll()).toEqual({ kind: 'check-pin', state: 'done' });
  });

  describe('jobs with a PUK', () => {
    const resetJob = (puks: string[]) =>
      ({ kind: 'reset-pin', puks, nextPuk: NEXT_PUK, oneUsePin: ONE_USE_PIN }) as const;
    const unlockJob = (puks: string[]) =>
      ({ kind: 'unlock', puks, nextPuk: NEXT_PUK, transportPin: NEXT_TRANSPORT_PIN }) as const;

    async function block(): Promise<void> {
      await onTheCard(async (it) => {
        while ((await it.pinTries()) !== 0) await it.verifyPin('000000');
      });
    }
    async function orderFor(session: string, purpose: string, job: Parameters<Agent['signJob']>[1]) {
      const proof = (await agent.prove(session, purpose)).json as WireProof;
      return { proof, order: { session, nonce: agent.nonce, job: await agent.signJob(proof, job, session) } };
    }
    const second = (session: string, proof: WireProof, signature: string) => ({
      ...{ session, nonce: Buffer.from(agent.nonce, 'base64url') },
      proofSignature: Buffer.from(proof.signature, 'base64url'),
      signature: Buffer.from(signature, 'base64url'),
    });

    it('gives a blocked card the holder’s new PIN and the next PUK; 9C signs', async () => {
      await newCard();
      await block();
      const { proof, order } = await orderFor('s-reset', 'pin-reset', resetJob([FACTORY_PUK]));
      const { path, poll } = await open('/v1/pin-sessions', order);
      expect((await agent.send('GET', path, {})).text).toContain('重設IC卡PIN碼');
      expect((await agent.typePin(path, NEW_PIN)).text).toContain('PIN碼已重新設定');
      const { state, signature } = await poll();
      expect(state).toBe('done');
      expect(() => verifyPinReset(second('s-reset', proof, signature), card.signatureCertificate)).not.toThrow();
      expect(await onTheCard((it) => it.verifyPin(NEW_PIN))).toEqual({ ok: true });
      expect(await onTheCard((it) => it.changePuk(FACTORY_PUK, '11111111'))).toMatchObject({ ok: false });
      expect(await onTheCard((it) => it.changePuk(NEXT_PUK, NEXT_PUK))).toEqual({ ok: true });
    });

    it('warns before the second reset of a PIN, which is the last online, and says what a broken one leads to', async () => {
      await newCard();
      const openReset = async (session: string, puks: string[]) => {
        const { order } = await orderFor(session, 'pin-reset', resetJob(puks));
        const { path } = await open('/v1/pin-sessions', order);
        const page = async (language: string) => (await agent.send('GET', `${path}?lang=${language}`, {})).text;
        return { path, page };
      };
      /** Taken out at the CHANGE of the PUK, and put in again. */
      const breakOff = async (path: string) => {
        await agent.insert(card.cardNumber, true);
        expect((await agent.typePin(path, NEW_PIN)).text).toContain('卡片已被取出');
        await agent.insert(card.cardNumber);
        return (await agent.typePin(path, NEW_PIN)).text;
      };
      const first = await openReset('s-warn-1', [FACTORY_PUK]);
      expect(await first.page('zh')).not.toContain('最後一次線上重設');
      expect(await breakOff(first.path)).toContain('這將是最後一次線上重設');
      const last = await openReset('s-warn-2', [NEXT_PUK, FACTORY_PUK]);
      expect(await last.page('zh')).toContain('這是最後一次線上重設的機會。請勿取出卡片');
      expect(await last.page('en')).toContain('the last one that can be done online');
    });

    it('tries the second PUK of an unfinished rotation once, and does not change one that is the next already', async () => {
      await newCard();
      await block();
      const first = await orderFor('s-unlock', 'unlock', unlockJob([NEXT_PUK, FACTORY_PUK]));
      const done = await agent.api('POST', '/v1/unlocks', first.order);
      expect(done).toMatchObject({ status: 200, json: { state: 'done' } });
      const signed = second('s-unlock', first.proof, done.json.signature);
      expect(() => verifyUnlocked(signed, card.cardCertificate)).not.toThrow();
      expect(await onTheCard((it) => it.verifyPin(NEXT_TRANSPORT_PIN))).toEqual({ ok: true });

      const again = await orderFor('s-unlock-2', 'unlock', unlockJob([NEXT_PUK, FACTORY_PUK]));
      expect((await agent.api('POST', '/v1/unlocks', again.order)).json.state).toBe('done');
      expect(await onTheCard((it) => it.changePuk(NEXT_PUK, NEXT_PUK))).toEqual({ ok: true });
    });

    it('stops before the last try of the PUK, whatever the job brings', async () => {
      await newCard();
      await block();
      for (const [session, state] of [
        ['s-wrong-1', 'send-in'],
        ['s-wrong-2', 'send-in'],
        ['s-wrong-3', 'send-in'],
      ]) {
        const { order } = await orderFor(session!, 'unlock', unlockJob(['00000001', '00000002']));
        expect((await agent.api('POST', '/v1/unlocks', order)).json).toEqual({ state });
      }
      // Of three tries one is left, with which the centre can still unlock the card.
      expect(await onTheCard((it) => it.resetPin(FACTORY_PUK, '123456'))).toEqual({ ok: true });
    });

    it('at the centre, with the one PUK it is certain of, uses the last try that wrong ones elsewhere have left', async () => {
      await newCard();
      await block();
      for (const typedAtHome of ['00000001', '00000002']) await onTheCard((it) => it.resetPin(typedAtHome, '123456'));
      const pukTries = async () => (await onTheCard((it) => it.metadata('puk')))?.tries?.left;
      expect(await pukTries()).toBe(1);

      const online = await orderFor('s-last-1', 'pin-reset', resetJob([FACTORY_PUK]));
      const { path, poll } = await open('/v1/pin-sessions', online.order);
      await agent.typePin(path, NEW_PIN);
      expect(await poll()).toMatchObject({ state: 'send-in' });
      const uncertain = await orderFor('s-last-2', 'unlock', unlockJob([FACTORY_PUK, NEXT_PUK]));
      expect((await agent.api('POST', '/v1/unlocks', uncertain.order)).json).toEqual({ state: 'send-in' });
      expect(await pukTries()).toBe(1);

      const certain = await orderFor('s-last-3', 'unlock', unlockJob([FACTORY_PUK]));
      expect((await agent.api('POST', '/v1/unlocks', certain.order)).json).toMatchObject({ state: 'done' });
      expect(await onTheCard((it) => it.verifyPin(NEXT_TRANSPORT_PIN))).toEqual({ ok: true });
      expect(await pukTries()).toBe(3);
    });

    it('takes a job at its own door only, once, and for its own card', async () => {
      await newCard();
      const reset = await orderFor('s-door-1', 'pin-reset', resetJob([FACTORY_PUK]));
      expect(await agent.api('POST', '/v1/unlocks', reset.order)).toMatchObject({
        status: 403,
        json: { type: 'urn:kaika:error:jobRefused' },
      });
      expect((await agent.api('POST', '/v1/pin-sessions', reset.order)).status).toBe(403); // used up
      const unlocking = await orderFor('s-door-2', 'unlock', unlockJob([FACTORY_PUK]));
      expect((await agent.api('POST', '/v1/pin-sessions', unlocking.order)).status).toBe(403);

      const swapped = await orderFor('s-door-3', 'unlock', unlockJob([FACTORY_PUK]));
      const first = card;
      await newCard();
      expect((await agent.api('POST', '/v1/unlocks', swapped.order)).json).toMatchObject({
        type: 'urn:kaika:error:otherCard',
        hint: { zh: expect.stringContaining('原來的卡片') },
      });
      for (card of [first, card]) {
        expect(await onTheCard((it) => it.changePuk(FACTORY_PUK, FACTORY_PUK))).toEqual({ ok: true });
      }
    });
  });

  it('speaks the language of the switch, of the browser, and Chinese otherwise', async () => {
    await newCard();
    const { path } = await open('/v1/pin-changes');
    const page = async (query = '', headers: Record<string, string> = {}) =>
      (await agent.send('GET', `${path}${query}`, headers)).text;
    expect(await page()).toContain('<html lang="zh-Hant-TW">');
    expect(await page('', { 'accept-language': 'zh-TW,en;q=0.8' })).toContain('變更IC卡PIN碼');
    const english = await page('', { 'accept-language': 'en-GB,en;q=0.8' });
    expect(english).toContain('<html lang="en">');
    expect(english).toContain(`href="${path}?lang=zh"`);
    expect(english.replace(/<a class="lang".*?<\/a>/, '').replace(card.cardNumber, '')).not.toMatch(/PIN碼/);
    expect(await page('?lang=zh', { 'accept-language': 'en' })).toContain('變更IC卡PIN碼');
    const wrong = await agent.sendForm(`${path}?lang=en`, { oldPin: OLD_PIN, newPin: NEW_PIN, confirmPin: 'New!1235' });
    expect(wrong.text).toContain('The two PINs differ');
    expect(wrong.text).toContain(`action="${path}?lang=en"`);
  });

  it('names every field to a screen reader, and says aloud what was wrong', async () => {
    await newCard();
    const { path } = await open('/v1/pin-changes');
    const { text } = await agent.sendForm(path, { oldPin: OLD_PIN, newPin: NEW_PIN, confirmPin: 'other123' });
    for (const id of ['oldPin', 'newPin', 'confirmPin']) {
      expect(text).toContain(`<label for="${id}">`);
      expect(text).toMatch(new RegExp(`id="${id}"[^>]*aria-describedby="rule"`));
    }
    expect(text).toContain('role="alert"');
    expect(text.match(/autofocus/g)).toHaveLength(1);
    expect(text).not.toMatch(/value="/); // what was typed does not come back
  });

  it('has said none of the PINs and PUKs, in no log line and no answer', () => {
    const everything = agent.said.join('\n');
    const secrets = [OLD_PIN, NEW_PIN, NEXT_PUK, ONE_USE_PIN, NEXT_TRANSPORT_PIN, 'wrong123', 'New!1235', 'other123'];
    for (const secret of [...secrets, FACTORY_PUK]) {
      const forms = [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64url')];
      expect(forms.filter((form) => everything.includes(form))).toEqual([]);
    }
  });
});
