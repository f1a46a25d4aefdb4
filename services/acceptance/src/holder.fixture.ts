import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  activatedMessage,
  encodeProof,
  openCardJob,
  PivCard,
  type ProofStatement,
  sha256,
  toWire,
  unlockedMessage,
} from '#libs/piv';
import type { SampleCard, VirtualCard, VirtualCardStore } from '#libs/virtual-card';

export const ORIGIN = 'https://portal.example';

export interface Started {
  id: string;
  nonce: string;
}
/** The card was taken out. */
export class Lost extends Error {}

/** Commands to a card, of which so many are done; the answer of the last of them is not seen any more. */
export class Steps {
  constructor(private left = Infinity) {}

  async take<T>(command: () => Promise<T>): Promise<T> {
    if (this.left === 0) throw new Lost();
    const answer = await command();
    this.left -= 1;
    if (this.left === 0) throw new Lost();
    return answer;
  }
}

/** A card in the hand of its holder, at an agent of its own. */
export class Holder {
  readonly #agentKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  #connection!: VirtualCard;
  #card!: PivCard;
  #proofSignature: Buffer = Buffer.alloc(0);

  constructor(
    readonly sample: SampleCard,
    readonly transportPin: string,
    private readonly store: VirtualCardStore,
  ) {}

  async powerOn(): Promise<this> {
    this.#connection = await this.store.open(this.sample.cardNumber);
    this.#card = await PivCard.select(this.#connection);
    return this;
  }

  powerOff(): Promise<void> {
    return this.#connection.close();
  }

  get agentKey(): { publicKey: KeyObject; privateKey: KeyObject } {
    return this.#agentKey;
  }

  async prove({ id, nonce }: Started, changes: Partial<ProofStatement> = {}) {
    const { cardNumber, cardUuid, signatureCertificate, encryptionCertificate } = this.sample;
    const statement: ProofStatement = {
      ...{
        purpose: 'accept',
        origin: ORIGIN,
        session: id,
        nonce: Buffer.from(nonce, 'base64url'),
        cardUuid,
        cardNumber,
      },
      signatureCertificateSha256: sha256(signatureCertificate),
      encryptionCertificateSha256: sha256(encryptionCertificate),
      ephemeralKey: this.#agentKey.publicKey.export({ format: 'der', type: 'spki' }),
      ...changes,
    };
    this.#proofSignature = await this.#card.sign('9E', encodeProof(statement));
    return toWire({ ...statement, signature: this.#proofSignature });
  }

  /** The job for a page that sets a PIN. */
  async openJob(job: unknown, session: string, verificationKey: KeyObject, now: Date) {
    const { cardNumber } = this.sample;
    const ephemeralKey = this.#agentKey.privateKey;
    const opened = await openCardJob(job as string, { verificationKey, ephemeralKey, cardNumber, session, now });
    if (opened.kind !== 'set-pin') throw new Error(`a job to ${opened.kind}`);
    return opened;
  }

  /** A job of any kind, opened as this agent can. */
  openAny(job: unknown, session: string, verificationKey: KeyObject, now: Date) {
    const { cardNumber } = this.sample;
    const ephemeralKey = this.#agentKey.privateKey;
    return openCardJob(job as string, { verificationKey, ephemeralKey, cardNumber, session, now });
  }

  changePin(oldPin: string, newPin: string) {
    return this.#card.changePin(oldPin, newPin);
  }

  changePuk(oldPuk: string, newPuk: string) {
    return this.#card.changePuk(oldPuk, newPuk);
  }

  verifyPin(pin: string) {
    return this.#card.verifyPin(pin);
  }

  pinTries() {
    return this.#card.pinTries();
  }

  /** Somebody types wrong PINs until there are no tries left. */
  async block(): Promise<void> {
    while ((await this.#card.pinTries()) !== 0) await this.#card.verifyPin('00000000');
  }

  /**
   * What an agent does with a job's PUKs, step by step, in its order (CARDS.md §3).
   *
   * @param pin  the one that the PUK sets: one-use, or the transport PIN
   * @param steps  after so many commands that the card did, it is taken out
   * @returns PUKs that were wrong
   * @throws Lost
   */
  async usePuks({ puks, nextPuk }: { puks: string[]; nextPuk: string }, pin: string, steps = new Steps()) {
    let wrong = 0;
    for (const puk of puks) {
      const { ok } = await steps.take(() => this.#card.resetPin(puk, pin));
      if (!ok) {
        wrong += 1;
        continue;
      }
      if (puk !== nextPuk) await steps.take(() => this.#card.changePuk(puk, nextPuk));
      return wrong;
    }
    throw new Error('no PUK of the job was right');
  }

  /** 9C over the second message, after a PIN. */
  async confirm(
    pin: string,
    { id }: Started,
    nonce: unknown,
    proofSignature = this.#proofSignature,
    messageOf = activatedMessage,
  ): Promise<string> {
    const verified = await this.#card.verifyPin(pin);
    if (!verified.ok) throw new Error('the card refused the PIN');
    const message = messageOf(id, Buffer.from(nonce as string, 'base64url'), proofSignature);
    return (await this.#card.sign('9C', message, this.sample.signatureCertificate)).toString('base64url');
  }

  /** 9E over the message at the end of an unlock. */
  async confirmUnlock(
    { id }: Started,
    nonce: unknown,
    proofSignature = this.#proofSignature,
    messageOf = unlockedMessage,
  ): Promise<string> {
    const octets = messageOf(id, Buffer.from(nonce as string, 'base64url'), proofSignature);
    return (await this.#card.sign('9E', octets)).toString('base64url');
  }

  get proofSignature(): Buffer {
    return this.#proofSignature;
  }
}
