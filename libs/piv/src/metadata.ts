import { ALGORITHMS, type CardAlgorithm } from './public-key.js';
import { MANAGEMENT_ALGORITHMS, type ManagementAlgorithm } from './management-key.js';
import { findTlv } from './tlv.js';

/** What GET METADATA (INS F7) tells of a PIN, a PUK or a key. Each part only where the card says it. */
export interface Metadata {
  algorithm?: CardAlgorithm | ManagementAlgorithm;
  /** Still what the factory set. */
  isDefault?: boolean;
  tries?: { max: number; left: number };
}

/** The references F7 takes in P2. */
export const METADATA_OF = { pin: 0x80, puk: 0x81, management: 0x9b, '9C': 0x9c, '9D': 0x9d, '9E': 0x9e } as const;
export type MetadataOf = keyof typeof METADATA_OF;

const NAMES = new Map<number, CardAlgorithm | ManagementAlgorithm>(
  Object.entries({ ...ALGORITHMS, ...MANAGEMENT_ALGORITHMS }).map(([name, id]) => [id, name as CardAlgorithm]),
);

/** @throws CaError cardCommunication when it is not TLV */
export function readMetadata(data: Uint8Array): Metadata {
  const algorithm = NAMES.get(findTlv(data, 0x01)?.[0] ?? -1);
  const isDefault = findTlv(data, 0x05)?.[0];
  const [max, left] = findTlv(data, 0x06) ?? [];
  return {
    ...(algorithm && { algorithm }),
    ...(isDefault !== undefined && { isDefault: isDefault === 1 }),
    ...(max !== undefined && left !== undefined && { tries: { max, left } }),
  };
}
