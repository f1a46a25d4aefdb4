export { ApduChannel, type Answer, type Command } from './apdu.js';
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
export {
  makePinJob,
  openPinJob,
  type PinJob,
  type PinJobOpener,
  PIN_JOB_SECONDS,
  type PinJobSigner,
} from './pin-job.js';
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
  type Activation,
  activatedMessage,
  encodeProof,
  type ExpectedProof,
  lengthPrefixed,
  NONCE_BYTES,
  type Proof,
  PROOF_PURPOSES,
  proofSchema,
  type ProofPurpose,
  type ProofStatement,
  sha256,
  toWire,
  verifyActivation,
  verifyProof,
  type WireProof,
} from './proof.js';
export { ALGORITHMS, type CardAlgorithm } from './public-key.js';
export { cardError, SW, swText, triesOf } from './status-word.js';
export { findTlv, parseTlvs, requireTlv, tagOctets, type Tlv, tlv } from './tlv.js';
