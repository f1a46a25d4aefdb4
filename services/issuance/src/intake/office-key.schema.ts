import { createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import { z } from 'zod';
import { signingAlgorithms } from '#libs/credentials';

const MAX_KEYS = 5;
const RSA_BITS = { least: 2_048, most: 4_096 };
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** How the tokens of an office name it (`sub`). */
export const office = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, 'is 1 to 64 letters, digits and . _ @ -')
  .meta({ description: 'The registration office: the subject of its tokens', examples: ['office-63'] });

/** A key an office signs with: only the members that make it (RFC 7638 §3.2) are kept. */
const officeKey = z
  .looseObject({ kty: z.string('a JWK has a kty') }, 'a key is a JWK')
  .transform((jwk, ctx): JWK => {
    const problem = problemOf(jwk);
    if (problem === undefined) return publicMembers(jwk);
    ctx.addIssue(problem);
    return z.NEVER;
  })
  .meta({ description: 'Public JWK: EC P-256 or P-384, OKP Ed25519, or RSA of 2048 to 4096 bits' });

function problemOf(jwk: JWK): string | undefined {
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) return 'is not a public key: keep its secret half';
  if (signingAlgorithms(jwk).length === 0) return 'is of a kind that is not taken here';
  try {
    const key = createPublicKey({ key: publicMembers(jwk) as never, format: 'jwk' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? RSA_BITS.least;
    const exponent = key.asymmetricKeyDetails?.publicExponent ?? 65_537n;
    if (bits < RSA_BITS.least || bits > RSA_BITS.most) return 'an RSA key has 2048 to 4096 bits';
    return exponent >= 65_537n ? undefined : 'the exponent of an RSA key is 65537';
  } catch {
    return 'cannot be read as a key';
  }
}

function publicMembers({ kty, crv, x, y, n, e }: JWK): JWK {
  const members = { kty, crv, x, y, n, e };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JWK;
}

export const officeParams = z.object({ office });
export const keysRequest = z.object({
  keys: z.array(officeKey, 'keys are a list').max(MAX_KEYS, `an office has at most ${MAX_KEYS} keys`),
});

const registered = z.object({
  kid: z.string().meta({ description: 'JWK thumbprint (RFC 7638), the kid of its signatures' }),
  algorithms: z.array(z.string()),
  registeredAt: z.iso.datetime(),
  registeredBy: z.string(),
});
export const keysAnswer = z.object({ office: z.string(), keys: z.array(registered) });
export const officesAnswer = z.object({ items: z.array(keysAnswer) });
export type OfficeKeys = z.output<typeof keysAnswer>;
