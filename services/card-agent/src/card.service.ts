import { generateKeyPairSync, type KeyObject, randomBytes, verify, X509Certificate } from 'node:crypto';
import { CaError } from '#libs/errors';
import {
  encodeProof,
  lengthPrefixed,
  type PivCard,
  type ProofPurpose,
  type ProofStatement,
  sha256,
  toWire,
  type WireProof,
} from '#libs/piv';
import type { Clock } from '#libs/clock';
import { AGENT_VERSION, SESSION_SECONDS } from './agent.config.js';
import { type CardFacts, type CardReading, readCard } from './card-facts.js';
import type { CardGate } from './reader.js';
import type { AgentState } from './schemas.js';

/** Which state a failed look at the card is. */
const STATES: Partial<Record<string, AgentState>> = {
  noReader: 'no-reader',
  noCard: 'no-card',
  readerBusy: 'busy',
  cardRemoved: 'removed',
  unknownCardKind: 'unknown-card',
  cardCommunication: 'unknown-card',
};

/** What the agent keeps of a proof: the private half of the key it named, for the job that answers it. */
export interface ProofSession {
  session: string;
  origin: string;
  reading: CardReading;
  ephemeralKey: KeyObject;
  signature: Buffer;
  expiresAtMs: number;
  /** Jobs opened already: each is good for once. */
  usedJobs: Set<string>;
}

const MAX_PROOFS = 100;

export class CardService {
  readonly #proofs = new Map<string, ProofSession>();

  constructor(
    private readonly gate: CardGate,
    private readonly clock: Clock,
  ) {}

  async status(): Promise<{ version: string; state: AgentState }> {
    return { version: AGENT_VERSION, state: this.gate.busy ? 'busy' : await this.look() };
  }

  /** Tries are asked for without using one up. */
  async read(): Promise<CardFacts & { pinTries: number | null }> {
    return this.gate.use(async (card) => {
      const { facts } = await readCard(card);
      return { ...facts, pinTries: (await card.pinTries()) ?? null };
    });
  }

  /**
   * The card's proof for one session (CARDS §3 step 2), with a new key of this agent in it.
   *
   * @throws CaError cardBlocked (27011) for an activation with a card that is blocked
   */
  async prove(session: string, nonce: Buffer, purpose: ProofPurpose, origin: string): Promise<WireProof> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return this.gate.use(async (card) => {
      const reading = await readCard(card);
      if (purpose === 'accept' || purpose === 'resume-session') await mustNotBeBlocked(card);
      const { signatureCertificateSha256, encryptionCertificateSha256, facts } = reading;
      const statement: ProofStatement = {
        ...{ purpose, origin, nonce, session, cardUuid: facts.cardUuid, cardNumber: facts.cardNumber },
        ...{ signatureCertificateSha256, encryptionCertificateSha256 },
        ephemeralKey: publicKey.export({ type: 'spki', format: 'der' }),
      };
      const signature = await card.sign('9E', encodeProof(statement), reading.cardCertificate);
      this.keep({ session, origin, reading, ephemeralKey: privateKey, signature });
      return toWire({ ...statement, signature });
    });
  }

  /** @throws CaError sessionExpired, also when another page made the proof */
  proofOf(session: string, origin: string): ProofSession {
    const proof = this.#proofs.get(session);
    if (!proof || proof.origin !== origin || proof.expiresAtMs <= this.clock.nowMs()) {
      throw new CaError('sessionExpired', 'this agent holds no proof of a card for this session');
    }
    return proof;
  }

  private keep(proof: Omit<ProofSession, 'expiresAtMs' | 'usedJobs'>): void {
    const now = this.clock.nowMs();
    for (const [session, { expiresAtMs }] of this.#proofs) {
      const full = this.#proofs.size >= MAX_PROOFS;
      if (full || expiresAtMs <= now) this.#proofs.delete(session);
    }
    const expiresAtMs = now + SESSION_SECONDS * 1000;
    this.#proofs.set(proof.session, { ...proof, expiresAtMs, usedJobs: new Set() });
  }

  private async look(): Promise<AgentState> {
    try {
      const tries = await this.gate.use((card) => card.pinTries());
      return tries === 0 ? 'locked' : 'ready';
    } catch (error) {
      const state = error instanceof CaError ? (error.params.state ?? STATES[error.code]) : undefined;
      if (state === undefined) throw error;
      return state as AgentState;
    }
  }
}

async function mustNotBeBlocked(card: PivCard): Promise<void> {
  if ((await card.pinTries()) === 0) throw new CaError('cardBlocked', 'the card’s PIN is blocked');
}

/**
 * That the card now in the reader is the one of the proof, its 9E key included: the transport PIN is not for a copy.
 *
 * @throws CaError proofRefused
 */
export async function mustBeSameCard(card: PivCard, { cardCertificate }: CardReading): Promise<void> {
  const found = await card.readCertificate('9E');
  const challenge = lengthPrefixed(['kaika/presence/v1', randomBytes(32)]);
  const same = found !== undefined && sha256(found).equals(sha256(cardCertificate));
  const signature = same ? await card.sign('9E', challenge, cardCertificate) : Buffer.alloc(0);
  if (!same || !verify('sha256', challenge, new X509Certificate(cardCertificate).publicKey, signature)) {
    throw new CaError('proofRefused', 'this is not the card the session began with');
  }
}
