import { type KeyPair, type PublicJwk } from './key-pair.js';
import { openSealed, sealFor, type Sealed } from './sealed.js';

/** A verifier on its way from the service that took the code to those that check it (event `credential.set`). */
export interface Credential {
  readonly cardNumber: string;
  /** Rises with each new code of the card; a consumer keeps the highest. */
  readonly generation: number;
  /** `CodeHasher.hash`. */
  readonly verifier: string;
}

/** The data of a `credential.set` event, its verifier readable by the recipients alone. */
export async function sealCredential(recipients: readonly PublicJwk[], credential: Credential) {
  const { cardNumber, generation, verifier } = credential;
  return { cardNumber, generation, jwe: await sealFor(recipients, { verifier }, contextOf(credential)) };
}

/** @throws Error  when it is not for this key, or card and generation are not those it was sealed for */
export async function openCredential(
  keyPair: KeyPair,
  data: { cardNumber: string; generation: number; jwe: Sealed | Record<string, unknown> },
): Promise<Credential> {
  const { cardNumber, generation } = data;
  const payload = (await openSealed(keyPair, data.jwe, contextOf(data))) as { verifier?: unknown } | null;
  if (typeof payload?.verifier !== 'string') throw new Error('a sealed credential holds no verifier');
  return { cardNumber, generation, verifier: payload.verifier };
}

function contextOf({ cardNumber, generation }: { cardNumber: string; generation: number }): string {
  return `kaika/credential/v1/${cardNumber}/${generation}`;
}
