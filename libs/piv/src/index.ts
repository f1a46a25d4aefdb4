export { ApduChannel, type Answer, type Command } from './apdu.js';
export {
  CARD_JOB_SECONDS,
  type CardJob,
  type CardJobKind,
  type CardJobOf,
  type CardJobOpener,
  type CardJobSigner,
  makeCardJob,
  openCardJob,
} from './card-job.js';
export { type CardConnection } from './connection.js';
export {
  cryptBlock,
  FACTORY_MANAGEMENT_KEY,
  MANAGEMENT_ALGORITHMS,
  type ManagementAlgorithm,
  managementBlockBytes,
  managementKeyBytes,
} from './management-key.js';
export { type Metadata, type MetadataOf } from './metadata.js';
export {
  buildCcc,
  buildChuid,
  cardUuidOf,
  certificateIn,
  certificateObject,
  OBJECT,
  type Slot,
  SLOTS,
  uuidBytes,
} from './objects.js';
export { FACTORY_PIN, FACTORY_PUK, PivCard, type PinResult } from './piv-card.js';
export {
  type CardProfile,
  padPin,
  PIN_MAX_LENGTH,
  PIN_MIN_LENGTH,
  pinFits,
  PIVAPPLET,
  PLAIN_PIV,
  pukBytes,
  VIRTUAL_ASCII,
  VIRTUAL_ASCII_LABEL,
  VIRTUAL_DIGITS,
  VIRTUAL_DIGITS_LABEL,
  YUBIKEY,
} from './profile.js';
export {
  activatedMessage,
  encodeProof,
  type ExpectedProof,
  lengthPrefixed,
  NONCE_BYTES,
  type Proof,
  pinResetMessage,
  PROOF_PURPOSES,
  proofSchema,
  type ProofPurpose,
  type ProofStatement,
  type SecondSignature,
  sha256,
  toWire,
  unlockedMessage,
  verifyActivation,
  verifyPinReset,
  verifyProof,
  verifyUnlocked,
  type WireProof,
} from './proof.js';
export { ALGORITHMS, type CardAlgorithm } from './public-key.js';
export { cardError, SW, swText, triesOf } from './status-word.js';
export { findTlv, parseTlvs, requireTlv, tagOctets, type Tlv, tlv } from './tlv.js';
