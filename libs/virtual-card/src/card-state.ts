import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { FACTORY_MANAGEMENT_KEY, MANAGEMENT_ALGORITHMS, type ManagementAlgorithm } from '#libs/piv';
import { FAMILY_NAMES } from './families.js';

const MANAGEMENT_NAMES = Object.keys(MANAGEMENT_ALGORITHMS) as [ManagementAlgorithm];

const referenceSchema = z.object({
  salt: z.string(),
  digest: z.string(),
  left: z.number(),
  max: z.number(),
  /** Still the factory's. */
  isDefault: z.boolean().default(false),
});
/** A PIN or PUK with its counter. Kept as a salted digest, so that no file of this product ever shows a holder's PIN. */
export type Reference = z.infer<typeof referenceSchema>;

const stateSchema = z.object({
  cardNumber: z.string(),
  family: z.enum(FAMILY_NAMES).default('virtual'),
  digitsOnly: z.boolean(),
  /** 9B: the card must know it in clear, to encrypt with it. Base64 */
  management: z
    .object({ algorithm: z.enum(MANAGEMENT_NAMES), key: z.string(), isDefault: z.boolean() })
    .default({ algorithm: 'aes-192', key: FACTORY_MANAGEMENT_KEY.toString('base64'), isDefault: true }),
  pin: referenceSchema,
  puk: referenceSchema,
  /** By tag in hex, base64 of the value inside 53 */
  objects: z.record(z.string(), z.string()),
  /** By key reference in hex, base64 of the PKCS#8 private key */
  keys: z.record(z.string(), z.object({ algorithm: z.number(), pkcs8: z.string() })),
});
/** Everything a card remembers without power. */
export type CardState = z.infer<typeof stateSchema>;

export async function readState(file: string): Promise<CardState> {
  return stateSchema.parse(JSON.parse(await readFile(file, 'utf8')));
}

/**
 * Replaces the file in one step: whole and on the disk under another name, then renamed, then the folder's entry on the
 * disk too. A process killed at any point leaves the old state or the new one.
 */
export async function writeAtomically(file: string, contents: string): Promise<void> {
  const next = `${file}.next`;
  const handle = await open(next, 'w', 0o600);
  try {
    await handle.writeFile(contents);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(next, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function newReference(value: Uint8Array, max: number, isDefault = false): Reference {
  const salt = randomBytes(16);
  return { salt: salt.toString('base64'), digest: digest(salt, value).toString('base64'), left: max, max, isDefault };
}

export function isValueOf(reference: Reference, value: Uint8Array): boolean {
  const found = digest(Buffer.from(reference.salt, 'base64'), value);
  return timingSafeEqual(found, Buffer.from(reference.digest, 'base64'));
}

const digest = (salt: Buffer, value: Uint8Array) => createHmac('sha256', salt).update(value).digest();
