import { createHmac, type KeyObject } from 'node:crypto';

/**
 * Key derivation in counter mode with HMAC-SHA256, a 32-bit counter before the fixed data (SP 800-108r1 §4.1).
 *
 * @param fixedData  label ‖ 00 ‖ context ‖ length in bits
 * @param bytes      length of the derived key
 */
export function kbkdfWithFixedData(key: KeyObject, fixedData: Uint8Array, bytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let counter = 1; blocks.length * 32 < bytes; counter += 1) {
    blocks.push(createHmac('sha256', key).update(uint32(counter)).update(fixedData).digest());
  }
  return Buffer.concat(blocks).subarray(0, bytes);
}

/**
 * The same with the fixed data composed as SP 800-108r1 §4 has it: label ‖ 00 ‖ context ‖ [L]₃₂.
 *
 * @param label    purpose and version of what is derived
 * @param context  what it is derived for; its fields must have fixed lengths, or lengths in front
 * @param bytes    length of the derived key
 */
export function kbkdf(key: KeyObject, label: string, context: Uint8Array, bytes: number): Buffer {
  const fixedData = Buffer.concat([Buffer.from(label, 'ascii'), Buffer.of(0), context, uint32(bytes * 8)]);
  return kbkdfWithFixedData(key, fixedData, bytes);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
