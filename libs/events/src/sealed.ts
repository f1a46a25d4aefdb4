import { z } from 'zod';

/** What is inside the JWE of the events that carry personal data or a secret (`sealFor`, `openSealed`). */
export const SEALED_PAYLOADS = {
  'contact.changed': z.object({ email: z.string() }),
  'certificate.refused': z.object({ whatIsWrong: z.string() }),
  'one-time-code.requested': z.object({ code: z.string() }),
} as const;
export type SealedType = keyof typeof SEALED_PAYLOADS;
export type SealedPayload<T extends SealedType> = z.output<(typeof SEALED_PAYLOADS)[T]>;

/** Binds a sealed payload to its kind and its card, so that it opens as nothing else. */
export function sealedContext(type: SealedType, cardNumber: string): string {
  return `kaika/${type}/v1/${cardNumber}`;
}
