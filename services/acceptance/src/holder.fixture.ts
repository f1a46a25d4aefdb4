import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { activatedMessage, encodeProof, openCardJob, PivCard, type ProofStatement, sha256, toWire } from '#libs/piv';
import type { SampleCard, VirtualCard, VirtualCardStore } from '#libs/virtual-card';

export const ORIGIN = 'https://portal.example';

export interface Started {
  id: string;
  nonce: string;
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

  changePin(oldPin: string, newPin: string) {
    return this.#card.changePin(oldPin, newPin);
  }

  /** 9C over the second message, after a PIN. */
  async confirm(pin: string, { id }: Started, nonce: unknown, proofSignature = this.#proofSignature): Promise<string> {
    const verified = await this.#card.verifyPin(pin);
    if (!verified.ok) throw new Error('the card refused the PIN');
    const message = activatedMessage(id, Buffer.from(nonce as string, 'base64url'), proofSignature);
    return (await this.#card.sign('9C', message)).toString('base64url');
  }

  get proofSignature(): Buffer {
    return this.#proofSignature;
  }
}
