import { z } from 'zod';
import { ServiceClient, serviceTokens } from '#libs/doors';
import { EVENTS, statusRow, type StatusRow } from '#libs/events';
import type { IssuedCard } from './read-model.js';
import type { StatusQueryConfig } from './status-query.config.js';

const statusLog = z.object({ epoch: z.uuid(), rows: z.array(statusRow) });
const issuedCards = z.object({ items: z.array(EVENTS['certificate.issued'].data), next: z.string().nullable() });
const delegate = z.object({ certificate: z.base64() });

/** The services whose word this one passes on: suspension owns the status log, issuance the certificates. */
export class Owners {
  readonly #suspension: ServiceClient;
  readonly #issuance: ServiceClient;

  constructor({ serviceKey, suspensionUrl, issuanceUrl }: StatusQueryConfig) {
    const tokens = serviceTokens(serviceKey, 'status-query');
    this.#suspension = new ServiceClient(suspensionUrl, tokens);
    this.#issuance = new ServiceClient(issuanceUrl, tokens);
  }

  /** Rows of the status log above a seq, in order: those the bus did not bring. */
  async statusRows(after: number, limit: number): Promise<StatusRow[]> {
    const path = `/api/v1/status-log?after=${after}&limit=${limit}`;
    return (await this.#suspension.call('GET', path, statusLog)).rows;
  }

  /** Issued cards above a card number, in order; `next` is the last of them when there are more. */
  issuedCards(after: string): Promise<{ items: IssuedCard[]; next: string | null }> {
    return this.#issuance.call('GET', `/api/v1/issued-certificates${after && `?after=${after}`}`, issuedCards);
  }

  /** A certificate (DER) for an OCSP delegate's request (PKCS#10, DER). */
  async certifyDelegate(request: Buffer): Promise<Buffer> {
    const body = { csr: request.toString('base64') };
    const { certificate } = await this.#issuance.call('POST', '/api/v1/ocsp-delegates', delegate, body);
    return Buffer.from(certificate, 'base64');
  }
}
