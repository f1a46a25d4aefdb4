export {
  createOnce,
  ensureSecretFile,
  ensureSecretKey,
  readSecretFile,
  readSecretKey,
  replaceFile,
} from './secret-file.js';
export { Pepper } from './pepper.js';
export { BoundedPool, codeCheckPool } from './bounded-pool.js';
export { CodeHasher } from './code-hasher.js';
export { randomDigits } from './random-digits.js';
export { ATTEMPT_POLICIES, judge, type AttemptPolicy, type AttemptPurpose, type Verdict } from './attempt-policy.js';
export { AttemptStore, sourceOf, type Attempt } from './attempt-store.js';
export { ATTEMPT_MIGRATION } from './attempt.migration.js';
export { kbkdf } from './kbkdf.js';
export {
  type CardSecretInput,
  deriveManagementKey,
  derivePuk,
  deriveTransportPin,
  type ManagementKeyBytes,
} from './transport-secrets.js';
export { ensureKeyPair, readKeyPair, readPublicJwk, type KeyPair, type PublicJwk } from './key-pair.js';
export { claimedKey, signDetached, signingAlgorithms, verifiesDetached } from './detached-jws.js';
export { openSealed, sealFor, type Sealed } from './sealed.js';
export {
  openCredential,
  representativeText,
  sealCredential,
  type Credential,
  type CredentialKind,
} from './credential.js';
export { openRecord, sealRecord, type RecordId } from './sealed-record.js';
