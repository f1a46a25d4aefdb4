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
import { isOlder, overallState, type AgentState } from './agent-state.js';
import { type CardFacts, type CardReading, readCard } from './card-facts.js';
import type { CardGates, ReaderState } from './readers/card-gates.js';

/** What the agent keeps of a proof: the private half of the key it named, for the job that answers it. */
export interface ProofSession {
  session: string;
  origin: string;
  /** In which the card was: what follows is done there */
  reader: string;
  reading: CardReading;
  ephemeralKey: KeyObject;
  signature: Buffer;
  expiresAtMs: number;
  /** Jobs opened already: each is good for once. */
  usedJobs: Set<string>;
}

export interface ProofOrder {
  session: string;
  nonce: Buffer;
  purpose: ProofPurpose;
  origin: string;
  /** undefined: the one that holds a card */
  reader?: string;
  /** What the page has read: with another card in the reader nothing is signed */
  cardNumber?: string;
}

export interface AgentStatus {
  version: string;
  state: AgentState;
  readers?: { name: string; state: ReaderState }[];
}

const MAX_PROOFS = 100;

export class CardService {
  readonly #proofs = new Map<string, ProofSession>();

  constructor(
    private readonly gates: CardGates,
    private readonly clock: Clock,
  ) {}

  /** @param minimumVersion what the page needs at least @param paired a page that is not is told nothing of the card */
  async status({ minimumVersion, paired }: { minimumVersion?: string; paired: boolean }): Promise<AgentStatus> {
    const known = { version: AGENT_VERSION };
    if (minimumVersion && isOlder(AGENT_VERSION, minimumVersion)) return { ...known, state: 'agent-outdated' };
    if (!paired) return { ...known, state: 'pairing-needed' };
    try {
      const readers = await this.gates.look();
      return { ...known, state: overallState(readers), readers };
    } catch (error) {
      if (error instanceof CaError && error.params.state === 'pcsc-missing') return { ...known, state: 'pcsc-missing' };
      throw error;
    }
  }

  /** Tries are asked for without using one up. @param reader undefined: the one that holds a card */
  async read(reader?: string): Promise<CardFacts & { reader: string; pinTries: number | null }> {
    return this.gates.use({ reader, permission: 'look' }, async (card, found) => {
      const { facts } = await readCard(card);
      return { ...facts, reader: found, pinTries: (await card.pinTries()) ?? null };
    });
  }

  /**
   * The card's proof for one session (CARDS §3 step 2), with a new key of this agent in it.
   *
   * @throws CaError cardBlocked (27011) for an activation with a card that is blocked; otherCard when the page read
   *                 another one
   */
  async prove({ session, nonce, purpose, origin, ...wanted }: ProofOrder): Promise<WireProof> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { proof, ...kept } = await this.gates.use(
      { reader: wanted.reader, permission: 'look' },
      async (card, reader) => {
        const reading = await readCard(card);
        if (wanted.cardNumber !== undefined && reading.facts.cardNumber !== wanted.cardNumber) {
          throw new CaError('otherCard', 'this is not the card that was read');
        }
        if (purpose === 'accept' || purpose === 'resume-session') await mustNotBeBlocked(card);
        const { signatureCertificateSha256, encryptionCertificateSha256, facts } = reading;
        const statement: ProofStatement = {
          ...{ purpose, origin, nonce, session, cardUuid: facts.cardUuid, cardNumber: facts.cardNumber },
          ...{ signatureCertificateSha256, encryptionCertificateSha256 },
          ephemeralKey: publicKey.export({ type: 'spki', format: 'der' }),
        };
        const signature = await card.sign('9E', encodeProof(statement), reading.cardCertificate);
        return { proof: toWire({ ...statement, signature }), reader, reading, signature };
      },
    );
    this.keep({ ...kept, session, origin, ephemeralKey: privateKey });
    return proof;
  }

  /** @throws CaError sessionExpired, also when another page made the proof */
  proofOf(session: string, origin: string): ProofSession {
    const proof = this.#proofs.get(session);
    if (!proof || proof.origin !== origin || proof.expiresAtMs <= this.clock.nowMs()) {
      throw new CaError('sessionExpired', 'this agent holds no proof of a card for this session');
    }
    return proof;
  }

  /** Whose time is over: with them go the keys that open jobs. */
  forgetExpired(): void {
    const now = this.clock.nowMs();
    for (const [session, { expiresAtMs }] of this.#proofs) if (expiresAtMs <= now) this.#proofs.delete(session);
  }

  private keep(proof: Omit<ProofSession, 'expiresAtMs' | 'usedJobs'>): void {
    this.forgetExpired();
    if (this.#proofs.size >= MAX_PROOFS) this.#proofs.clear();
    const expiresAtMs = this.clock.nowMs() + SESSION_SECONDS * 1000;
    this.#proofs.set(proof.session, { ...proof, expiresAtMs, usedJobs: new Set() });
  }
}

async function mustNotBeBlocked(card: PivCard): Promise<void> {
  if ((await card.pinTries()) === 0) throw new CaError('cardBlocked', 'the card’s PIN is blocked');
}

/**
 * That the card now in the reader is the one of the proof, its 9E key included: the transport PIN is not for a copy.
 *
 * @throws CaError otherCard
 */
export async function mustBeSameCard(card: PivCard, { cardCertificate }: CardReading): Promise<void> {
  const found = await card.readCertificate('9E');
  const challenge = lengthPrefixed(['kaika/presence/v1', randomBytes(32)]);
  const same = found !== undefined && sha256(found).equals(sha256(cardCertificate));
  const signature = same ? await card.sign('9E', challenge, cardCertificate) : Buffer.alloc(0);
  if (!same || !verify('sha256', challenge, new X509Certificate(cardCertificate).publicKey, signature)) {
    throw new CaError('otherCard', 'this is not the card the session began with');
  }
}
