import { acceptance } from '../../acceptance/src/index.js';
import { crlPublisher } from '../../crl-publisher/src/index.js';
import { issuance } from '../../issuance/src/index.js';
import { portal } from '../../portal/src/index.js';
import { statusQuery } from '../../status-query/src/index.js';
import { suspension } from '../../suspension/src/index.js';
import type { ServiceDefinition } from '#libs/host';

/** Every service with a place behind the listener; the status of cards first, since others ask for it when they start. */
export const SERVICES: readonly ServiceDefinition[] = [
  suspension,
  issuance,
  acceptance,
  crlPublisher,
  statusQuery,
  portal,
];
