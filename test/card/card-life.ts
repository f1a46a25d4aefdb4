import { randomBytes } from 'node:crypto';
import { personal } from '../demo/activation.js';
import type { Card } from '../demo/cards.js';
import { ask, type Answer } from '../demo/http.js';
import type { World } from '../demo/world.js';
import type { Kiosk, Typed } from './kiosk.js';

type Purpose = 'accept' | 'resume-session' | 'pin-reset' | 'unlock';
const twice = (pin: string): Typed => ({ newPin: pin, confirmPin: pin });

/** What a page, the person at the kiosk and the centre's officers do with a card in a reader, one after the other. */
export class CardLife {
  constructor(
    private readonly world: World,
    private readonly kiosk: Kiosk,
  ) {}

  /** 讀取卡片資料 */
  async read(reader: string): Promise<Record<string, unknown>> {
    return good(await this.kiosk.call('POST', '/v1/card', { reader }));
  }

  /** 啟用憑證, by the card's way. @returns the state of the activation */
  async activate(card: Card, reader: string): Promise<unknown> {
    const { id, proof } = await this.prove(card, reader, '/activations', 'accept', { way: card.way });
    const accepted = await this.portal(`/activations/${id}/acceptance`, { proof, ...personal(card) });
    return this.setPin(`/activations/${id}`, id, accepted, card.pin);
  }

  /** After an unlocking at the centre: nothing is accepted again, the PIN is set anew. */
  async resume(card: Card, reader: string, pin: string): Promise<unknown> {
    const { id, proof } = await this.prove(card, reader, '/activations', 'resume-session', { way: 'A' });
    const resumed = await this.portal(`/activations/${id}/resumption`, { proof, userCode: card.userCode });
    return this.setPin(`/activations/${id}`, id, resumed, pin);
  }

  /** 忘記 PIN 碼 */
  async resetPin(card: Card, reader: string, pin: string): Promise<unknown> {
    const { id, proof } = await this.prove(card, reader, '/pin-resets', 'pin-reset');
    const released = await this.portal(`/pin-resets/${id}/release`, { proof, userCode: card.userCode });
    return this.setPin(`/pin-resets/${id}`, id, released, pin);
  }

  /** 變更 PIN 碼: the agent and the holder alone. */
  async changePin(reader: string, oldPin: string, newPin: string): Promise<unknown> {
    const opened = await this.kiosk.call('POST', '/v1/pin-changes', { reader });
    return (await this.kiosk.type(opened, { oldPin, ...twice(newPin) }))['state'];
  }

  /** 解卡: two officers, the card's proof, the job, and the card's own word that it was done. */
  async unlock(card: Card, reader: string): Promise<Record<string, unknown>> {
    const [chen, wang] = [await this.world.instance.token('chen'), await this.world.instance.token('wang')];
    const ground = { ground: '用戶來函：卡片已鎖卡' };
    const asked = await this.centre(chen, `/cards/${card.cardNumber}/unlock-requests`, ground);
    await this.centre(wang, `/unlock-requests/${String(asked['id'])}/approval`, {});
    const { id, nonce } = await this.centre(chen, '/unlocks', { request: asked['id'] });
    const proof = good(await this.proof(card, reader, { id, nonce }, 'unlock'));
    const released = await this.centre(chen, `/unlocks/${String(id)}/release`, { proof });
    const order = { session: id, nonce: released['nonce'], job: released['job'] };
    const done = good(await this.kiosk.call('POST', '/v1/unlocks', order));
    return this.centre(chen, `/unlocks/${String(id)}/completion`, { signature: done['signature'] });
  }

  /** A nonce of this page, signed by 9C under the holder's PIN. */
  async sign(reader: string, pin: string): Promise<{ nonce: Buffer; signature: Buffer; certificate: Buffer }> {
    const nonce = randomBytes(32);
    const opened = await this.kiosk.call('POST', '/v1/signatures', { reader, nonce: nonce.toString('base64url') });
    const signed = await this.kiosk.type(opened, { oldPin: pin });
    const octets = (name: string) => Buffer.from(String(signed[name]), 'base64url');
    return { nonce, signature: octets('signature'), certificate: octets('certificate') };
  }

  private async setPin(path: string, id: string, released: Record<string, unknown>, pin: string) {
    const job = released['pinJob'] ?? released['job'];
    const opened = await this.kiosk.call('POST', '/v1/pin-sessions', { session: id, nonce: released['nonce'], job });
    const typed = await this.kiosk.type(opened, twice(pin));
    if (typed['state'] !== 'done') return typed;
    return (await this.portal(`${path}/completion`, { signature: typed['signature'] }))['state'];
  }

  private async prove(card: Card, reader: string, path: string, purpose: Purpose, more: object = {}) {
    const session = await this.portal(path, { cardNumber: card.cardNumber, ...more });
    return { id: String(session['id']), proof: good(await this.proof(card, reader, session, purpose)) };
  }

  private proof({ cardNumber }: Card, reader: string, { id, nonce }: Record<string, unknown>, purpose: Purpose) {
    return this.kiosk.call('POST', '/v1/proofs', { session: id, nonce, purpose, reader, cardNumber });
  }

  private async portal(path: string, json: object): Promise<Record<string, unknown>> {
    return good(await ask('POST', this.world.api(path), { json }));
  }

  private async centre(token: string, path: string, json: object): Promise<Record<string, unknown>> {
    return good(await ask('POST', this.world.api(path), { token, json }));
  }
}

/** @throws Error with the problem */
function good({ status, body }: Answer): Record<string, unknown> {
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}
