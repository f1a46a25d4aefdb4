/** DigestInfo of SHA-256 up to the digest itself (RFC 8017 §9.2, note 1). */
const SHA256_PREFIX = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/**
 * EMSA-PKCS1-v1_5 (RFC 8017 §9.2) of a SHA-256 digest: a PIV card only raises to its private exponent, the padding is
 * the host's work (SP 800-73-5 part 2, appendix A.4.1).
 *
 * @param modulusBytes 256 for RSA-2048
 */
export function pkcs1Padded(sha256: Uint8Array, modulusBytes: number): Buffer {
  const digestInfo = Buffer.concat([SHA256_PREFIX, sha256]);
  const filling = Buffer.alloc(modulusBytes - digestInfo.length - 3, 0xff);
  return Buffer.concat([Buffer.of(0x00, 0x01), filling, Buffer.of(0x00), digestInfo]);
}
