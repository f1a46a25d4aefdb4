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
  PLAIN_PIV,
  VIRTUAL_ASCII_LABEL,
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
