export {
  DELEGATE_KEYS,
  DELEGATE_LIFE_DAYS,
  buildDelegateTbs,
  delegateNotAfter,
  type DelegateIssuer,
  type DelegateParams,
} from './delegate-certificate.js';
export { isRenewalDue, isValidAt, openDelegate, type Delegate } from './delegate.js';
export { lintDelegate } from './delegate-lint.js';
export { checkDelegateRequest, createDelegateRequest } from './delegate-request.js';
export { DelegateStore, type DelegateStoreOptions } from './delegate-store.js';
export { answerHeaders, REQUEST_TYPE, requestFromPath, RESPONSE_TYPE } from './http.js';
export { MAX_CERTIFICATES, MAX_NONCE_BYTES, MAX_REQUEST_BYTES } from './request.js';
export {
  MAX_KNOWLEDGE_AGE_SECONDS,
  Responder,
  type Answer,
  type Knowledge,
  type KnownCertificate,
  type Lookup,
  type ResponderOptions,
} from './responder.js';
export { RESPONSE_STATUS, type ResponseStatus } from './response.js';
