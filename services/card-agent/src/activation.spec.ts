import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PivCard, proofSchema, sha256, verifyActivation, verifyProof, type WireProof } from '#libs/piv';
import { type SampleCard, sampleCard } from '#libs/virtual-card';
import { type Agent, PORTAL, startAgent, TRANSPORT_PIN } from './agent.fixture.js';
import { CardService } from './card.service.js';
import { PinService } from './pin/pin.service.js';

describe('an activation at the kiosk', () => {
  let agent: Agent;
  let card: SampleCard;
  let last = 0;
  beforeAll(async () => {
    agent = await startAgent();
  });
  afterAll(() => agent.stop());

  async function newCard(options: Parameters<typeof sampleCard>[2] = {}): Promise<SampleCard> {
    last += 1;
    card = await sampleCard(agent.store, `EC${String(last).padStart(14, '0')}`, {
      transportPin: TRANSPORT_PIN,
      ...options,
    });
    await agent.insert(card.cardNumber);
    return card;
  }

  /** What the card itself says, beside the agent. */
  async function onTheCard<T>(work: (card: PivCard) => Promise<T>): Promise<T> {
    const connection = await agent.store.open(card.cardNumber);
    try {
      return await work(await PivCard.select(connection));
    } finally {
      await connection.close();
    }
  }

  const expectedProof = (session: string, purpose: 'accept' | 'unlock' = 'accept') => ({
    ...{ purpose, session, origins: [PORTAL], nonce: Buffer.from(agent.nonce, 'base64url') },
    ...{ cardUuid: card.cardUuid, cardNumber: card.cardNumber },
    signatureCertificateSha256: sha256(card.signatureCertificate),
    encryptionCertificateSha256: sha256(card.encryptionCertificate),
  });

  function expectActivated(session: string, proof: WireProof, signature: string): void {
    const proofSignature = Buffer.from(proof.signature, 'base64url');
    const nonce = Buffer.from(agent.nonce, 'base64url');
    const activation = { session, nonce, proofSignature, signature: Buffer.from(signature, 'base64url') };
    expect(() => verifyActivation(activation, card.signatureCertificate)).not.toThrow();
  }

  it('goes from reading the card to both signatures', async () => {
    await newCard({ signatureKey: 'rsa-2048', email: 'info@example.tw', ubn: '12345675', name: '範例＆測試有限公司' });
    expect((await agent.api('GET', '/v1/status')).json.state).toBe('ready');
    const read = await agent.api('POST', '/v1/card');
    expect(read.status).toBe(200);
    expect(read.json).toMatchObject({
      cardNumber: card.cardNumber,
      cardUuid: card.cardUuid,
      name: '範例＆測試有限公司',
      ubn: '12345675',
      email: 'info@example.tw',
      signature: { serial: expect.stringMatching(/^[0-9A-F]{32}$/), notAfter: '2030-12-31T15:59:59.000Z' },
      encryption: { notBefore: '2026-01-01T00:00:00.000Z' },
      pinTries: 5,
    });

    const proof = (await agent.prove('s-1')).json as WireProof;
    expect(() => verifyProof(proofSchema.parse(proof), expectedProof('s-1'), card.cardCertificate)).not.toThrow();
    const job = await agent.jobFor(proof);
    const opened = await agent.api('POST', '/v1/pin-sessions', { session: 's-1', nonce: agent.nonce, job });
    expect(opened.status).toBe(201);
    const { id, url } = opened.json as { id: string; url: string };
    expect(url).toBe(`${agent.own}/pin/${id}`);

    const page = await agent.send('GET', `/pin/${id}`, {});
    expect(page.status).toBe(200);
    expect(page.text).toContain(card.cardNumber);
    expect(page.text).toMatch(/剩餘次數<\/dt><dd>5<\/dd>/);
    expect((await agent.api('GET', `/v1/pin-sessions/${id}`)).json).toMatchObject({ state: 'waiting' });

    const done = await agent.typePin(`/pin/${id}`, 'Ab1!xyz');
    expect(done.status).toBe(200);
    expect(done.text).toContain('恭喜您已完成開卡作業');
    const { state, signature } = (await agent.api('GET', `/v1/pin-sessions/${id}`)).json;
    expect(state).toBe('done');
    expectActivated('s-1', proof, signature);
    expect(await onTheCard((it) => it.verifyPin('Ab1!xyz'))).toEqual({ ok: true });
    expect((await agent.typePin(`/pin/${id}`, 'Another1')).text).toContain('恭喜您已完成開卡作業');
    expect(await onTheCard((it) => it.verifyPin('Ab1!xyz'))).toEqual({ ok: true });
  });

  it('shows a page that runs no script, is framed by nobody and names its rule', async () => {
    await newCard();
    const { path } = await agent.openPage('s-page');
    const { text, headers } = await agent.send('GET', path, {});
    const csp = String(headers['content-security-policy']);
    for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"]) {
      expect(csp).toContain(rule);
    }
    expect(csp).not.toContain('unsafe');
    expect(text).not.toMatch(/<script|\son\w+=|style=/);
    expect(text).toContain('限6~8碼英文字母、數字及特殊符號');
    expect(text).toContain('minlength="6" maxlength="8"');
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['referrer-policy']).toBe('same-origin');
    expect(headers['cache-control']).toBe('no-store');
  });

  it('takes the form from its own page only', async () => {
    await newCard();
    const { path } = await agent.openPage('s-form');
    const body = 'newPin=123456&confirmPin=123456';
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const wrong: Record<string, string>[] = [
      {},
      { origin: PORTAL },
      { origin: 'null' },
      { origin: `http://localhost:${agent.port}` },
    ];
    for (const headers of wrong) {
      expect((await agent.send('POST', path, { ...type, ...headers }, body)).status).toBe(403);
    }
    expect(await onTheCard((it) => it.verifyPin(TRANSPORT_PIN))).toEqual({ ok: true });
  });

  it('sends the card nothing when the two PINs differ or the card does not take them, and asks again', async () => {
    await newCard({ digitsOnly: true });
    const { path, poll } = await agent.openPage('s-typing');
    expect((await agent.send('GET', path, {})).text).toContain('限6~8碼數字');
    const mismatch = await agent.typePin(path, '123456', '123457');
    expect(mismatch.status).toBe(422);
    expect(mismatch.text).toContain('兩次輸入的PIN碼不同');
    for (const pin of ['abc123', '12345', '123456789', '', '密碼密碼密碼']) {
      const refused = await agent.typePin(path, pin);
      expect(refused.status).toBe(422);
      expect(refused.text).toContain('卡片不接受此格式的PIN碼');
    }
    expect(await poll()).toEqual({ kind: 'set-pin', state: 'waiting', pinTries: 5 });
    expect((await agent.typePin(path, '１２３４５６')).text).toContain('恭喜您已完成開卡作業');
    expect(await onTheCard((it) => it.verifyPin('123456'))).toEqual({ ok: true });
  });

  it('opens no page for a job that is old, used, another session’s, another card’s or another agent’s', async () => {
    await newCard();
    const open = (session: string, job: string) =>
      agent.api('POST', '/v1/pin-sessions', { session, nonce: agent.nonce, job });
    const proof = (await agent.prove('s-a')).json as WireProof;
    const other = (await agent.prove('s-b')).json as WireProof;
    const job = await agent.jobFor(proof);
    const refused = { status: 403, json: { type: 'urn:kaika:error:jobRefused' } };
    expect(await open('s-a', await agent.jobFor(other))).toMatchObject(refused);
    expect(await open('s-b', job)).toMatchObject(refused);
    expect(await open('s-a', await agent.jobFor({ ...proof, ephemeralKey: other.ephemeralKey }))).toMatchObject(
      refused,
    );
    expect(await open('s-a', await agent.jobFor(proof, { cardNumber: 'EC99999999999999' }))).toMatchObject(refused);
    expect(await open('s-a', 'no job at all')).toMatchObject(refused);
    expect(await open('s-never', job)).toMatchObject({ status: 410 });

    agent.clock.set(-61_000);
    const old = await agent.jobFor(proof, {}, 'an old one');
    agent.clock.set(0);
    expect(await open('s-a', old)).toMatchObject(refused);

    const body = { session: 's-a', nonce: agent.nonce, job };
    const elsewhere = await agent.api('POST', '/v1/pin-sessions', body, { origin: 'https://kiosk.example:8443' });
    expect(elsewhere.status).toBe(410);
    const { id } = (await open('s-a', job)).json;
    expect((await open('s-a', job)).status).toBe(403);
    const foreign = await agent.api('GET', `/v1/pin-sessions/${id}`, undefined, {
      origin: 'https://kiosk.example:8443',
    });
    expect(foreign.status).toBe(404);
  });

  it('voids a proof made before by a new one for the same session', async () => {
    await newCard();
    const first = (await agent.prove('s-twice')).json as WireProof;
    await agent.prove('s-twice');
    const job = await agent.jobFor(first);
    expect((await agent.api('POST', '/v1/pin-sessions', { session: 's-twice', nonce: agent.nonce, job })).status).toBe(
      403,
    );
  });

  it('closes a page after ten minutes', async () => {
    await newCard();
    agent.clock.set(-601_000);
    const { path, poll } = await agent.openPage('s-slow');
    agent.clock.set(0);
    expect((await agent.typePin(path, '123456')).text).toContain('此頁已逾時');
    expect(await poll()).toMatchObject({ state: 'expired' });
    expect(await onTheCard((it) => it.verifyPin(TRANSPORT_PIN))).toEqual({ ok: true });
    expect((await agent.send('GET', '/pin/unknown', {})).status).toBe(404);
  });

  it('forgets what a job held when its time is over, though nobody asks for the page again', async () => {
    await newCard();
    agent.clock.set(-601_000);
    const { id } = await agent.openPage('s-left');
    const page = agent.app.get(PinService).find(id);
    const proofs = agent.app.get(CardService);
    expect(page.task).toBeDefined();
    agent.clock.set(0);
    while (page.task) await setImmediate();
    expect(page.state).toBe('expired');
    agent.clock.set(-601_000); // the proof would be good again, were it still there
    expect(() => proofs.proofOf('s-left', PORTAL)).toThrow(expect.objectContaining({ code: 'sessionExpired' }));
    agent.clock.set(0);
  });

  it('sends nothing with one try left', async () => {
    await newCard({ pinTries: 2 });
    const { path, poll } = await agent.openPage('s-last');
    await onTheCard((it) => it.verifyPin('000000'));
    expect((await agent.typePin(path, '123456')).text).toContain('只剩一次輸入機會');
    expect(await poll()).toEqual({ kind: 'set-pin', state: 'last-try', pinTries: 1 });
    expect(await onTheCard((it) => it.pinTries())).toBe(1);
  });

  it('says 27011 of a blocked card, and of one whose transport PIN somebody has changed', async () => {
    await newCard({ pinTries: 1 });
    await onTheCard((it) => it.verifyPin('000000'));
    expect((await agent.api('GET', '/v1/status')).json.state).toBe('locked');
    expect((await agent.prove('s-blocked')).json).toMatchObject({
      type: 'urn:kaika:error:cardBlocked',
      legacyCode: '27011',
    });
    const proof = (await agent.prove('s-unlock', 'unlock')).json as WireProof;
    const expected = expectedProof('s-unlock', 'unlock');
    expect(() => verifyProof(proofSchema.parse(proof), expected, card.cardCertificate)).not.toThrow();

    await newCard();
    await onTheCard((it) => it.changePin(TRANSPORT_PIN, '999999'));
    const { path, poll } = await agent.openPage('s-touched');
    expect((await agent.typePin(path, '123456')).text).toContain('27011');
    expect(await poll()).toEqual({ kind: 'set-pin', state: 'locked', pinTries: 4, legacyCode: '27011' });
  });

  it('resumes on its own page after the card was pulled at CHANGE: the PIN was set, the same PIN is verified', async () => {
    await newCard();
    await agent.insert(card.cardNumber, true);
    const { path, poll, proof } = await agent.openPage('s-pulled');
    const pulled = await agent.typePin(path, 'Ab1!xy');
    expect(pulled.status).toBe(409);
    expect(pulled.text).toContain('卡片已被取出');
    expect(await poll()).toMatchObject({ state: 'removed' });
    expect((await agent.typePin(path, 'Ab1!xy')).text).toContain('未偵測到智慧卡或晶片卡');

    await agent.insert(card.cardNumber);
    expect((await agent.typePin(path, 'Ab1!xy')).text).toContain('恭喜您已完成開卡作業');
    expectActivated('s-pulled', proof, (await poll()).signature);
    expect(await onTheCard((it) => it.pinTries())).toBe(5);
  });

  it('resumes with a new job that says an earlier one existed, whichever PIN the card holds', async () => {
    await newCard();
    await onTheCard((it) => it.changePin(TRANSPORT_PIN, 'Ab1!xy')); // the earlier job's CHANGE, its answer lost
    const set = await agent.openPage('s-earlier', { earlierJob: true });
    expect((await agent.send('GET', set.path, {})).text).toContain('請輸入您先前設定的PIN碼');
    expect((await agent.typePin(set.path, 'Ab1!xy')).text).toContain('恭喜您已完成開卡作業');
    expectActivated('s-earlier', set.proof, (await set.poll()).signature);

    await newCard(); // the earlier job never reached this one
    const unset = await agent.openPage('s-earlier-2', { earlierJob: true });
    expect((await agent.typePin(unset.path, 'Ab1!xy')).text).toContain('恭喜您已完成開卡作業');
    expectActivated('s-earlier-2', unset.proof, (await unset.poll()).signature);
    expect(await onTheCard((it) => it.pinTries())).toBe(5);
  });

  it('costs the card at most one VERIFY and one CHANGE when a resumed holder types another PIN', async () => {
    await newCard();
    await onTheCard((it) => it.changePin(TRANSPORT_PIN, 'Ab1!xy'));
    const { path, poll } = await agent.openPage('s-forgot', { earlierJob: true });
    expect((await agent.typePin(path, 'Wrong1!')).text).toContain('卡片不接受此PIN碼');
    expect(await poll()).toEqual({ kind: 'set-pin', state: 'refused', pinTries: 3 });
    await agent.typePin(path, 'Wrong2!');
    expect(await onTheCard((it) => it.pinTries())).toBe(3);
  });

  it('stops between VERIFY and CHANGE when the first took the second-last try', async () => {
    await newCard({ pinTries: 2 });
    await onTheCard((it) => it.changePin(TRANSPORT_PIN, 'Ab1!xy'));
    const { path, poll } = await agent.openPage('s-two', { earlierJob: true });
    expect((await agent.typePin(path, 'Wrong1!')).text).toContain('只剩一次輸入機會');
    expect(await poll()).toEqual({ kind: 'set-pin', state: 'last-try', pinTries: 1 });
  });

  it('gives no transport PIN to another card than the one that signed', async () => {
    const first = await newCard();
    const { path, poll } = await agent.openPage('s-swapped');
    await newCard();
    expect((await agent.typePin(path, '123456')).text).toContain('這不是原來的卡片');
    expect(await poll()).toMatchObject({ state: 'waiting' });
    expect(await onTheCard((it) => it.pinTries())).toBe(5);
    await agent.insert(first.cardNumber);
    expect((await agent.typePin(path, '123456')).text).toContain('恭喜您已完成開卡作業');
  });

  it('sets a PIN once when the form is sent twice at the same time', async () => {
    await newCard();
    const { path, poll } = await agent.openPage('s-double');
    const answers = await Promise.all([agent.typePin(path, '123456'), agent.typePin(path, '123456')]);
    for (const { status, text } of answers) {
      expect(status).toBe(200);
      expect(text).toContain('恭喜您已完成開卡作業');
    }
    expect(await poll()).toMatchObject({ state: 'done' });
    expect(agent.said.filter((line) => line.includes('a PIN page') && line.includes(card.cardNumber))).toHaveLength(1);
  });

  it('names what is missing: a card, one of ours, a reader’s card known to nobody', async () => {
    await agent.insert(null);
    expect((await agent.api('GET', '/v1/status')).json.state).toBe('no-card');
    expect((await agent.api('POST', '/v1/card')).json.type).toBe('urn:kaika:error:noCard');
    expect((await agent.insert('EC99999999999999')).status).toBe(404);
    await agent.store.create('EC77777777777777');
    await agent.insert('EC77777777777777');
    expect((await agent.api('POST', '/v1/card')).json.type).toBe('urn:kaika:error:unknownCardKind');
  });

  it('has said none of the PINs, in no log line and no answer', () => {
    const everything = agent.said.join('\n');
    const isSaid = (text: string) => everything.includes(text);
    expect(isSaid('a PIN page')).toBe(true);
    for (const pin of [TRANSPORT_PIN, 'Ab1!xy', 'Ab1!xyz', 'Another1', '123457', 'Wrong1!', 'Wrong2!', 'abc123']) {
      const base64 = Buffer.from(pin).toString('base64').replace(/=+$/, '');
      expect([pin, Buffer.from(pin).toString('hex'), base64].filter(isSaid)).toEqual([]);
    }
  });
});
