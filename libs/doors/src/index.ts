export { ContractInterceptor } from './contract.interceptor.js';
export { DoorGuard, type Caller } from './door.guard.js';
export { Endpoint, endpointOf, ROLES, type EndpointOptions, type Role } from './endpoint.js';
export { PeerUnreachable, ServiceClient, serviceTokens, type TokenSource } from './service-client.js';
export { AUDIENCE, issueToken, SERVICE_ISSUER, serviceKeySet, type SigningKey } from './issue-token.js';
export { Tokens, type TokenOptions } from './tokens.js';
