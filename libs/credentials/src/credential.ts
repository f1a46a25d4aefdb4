import { type KeyPair, type PublicJwk } from './key-pair.js';
import { openSealed, sealFor, type Sealed } from './sealed.js';

/** What a verifier is of. */
export type CredentialKind = 'user-code' | 'representative';

/** A verifier on its way from the service that took the code to those that check it (event `credential.set`). */
export interface Credential {
  readonly cardNumber: string;
  /** Default `user-code`. */
  readonly kind?: CredentialKind;
  /** Rises with each new code of the card; a consumer keeps the highest of each kind. */
  readonly generation: number;
  /** `CodeHasher.hash`. */
  readonly verifier: string;
}

/**
 * What a verifier of kind `representative` is made of: the responsible person of a combined application, who activates
 * the card by knowing both (way B).
 *
 * @param nationalId as `normaliseNationalId` leaves it
 * @param birthDate  ISO date, YYYY-MM-DD
 */
export function representativeText(nationalId: string, birthDate: string): string {
  return `${nationalId}|${birthDate}`;
}

/** The data of a `credential.set` event, its verifier readable by the recipients alone. */
export async function sealCredential(recipients: readonly PublicJwk[], credential: Credential) {
  const { cardNumber, kind = 'user-code', generation, verifier } = credential;
  return { cardNumber, kind, generation, jwe: await sealFor(recipients, { verifier }, contextOf(credential)) };
}

/** @throws Error  when it is not for this key, or card, kind and generation are not those it was sealed for */
export async function openCredential(
  keyPair: KeyPair,
  data: Omit<Credential, 'verifier'> & { jwe: Sealed | Record<string, unknown> },
): Promise<Required<Credential>> {
  const { cardNumber, kind = 'user-code', generation } = data;
  const payload = (await openSealed(keyPair, data.jwe, contextOf(data))) as { verifier?: unknown } | null;
  if (typeof payload?.verifier !== 'string') throw new Error('a sealed credential holds no verifier');
  return { cardNumber, kind, generation, verifier: payload.verifier };
}

function contextOf({ cardNumber, kind = 'user-code', generation }: Omit<Credential, 'verifier'>): string {
  return `kaika/credential/v1/${cardNumber}/${kind}/${generation}`;
}
