import { z } from 'zod';
import { ServiceClient, serviceTokens } from '#libs/doors';
import { statusRow, type StatusRow } from '#libs/events';
import type { StatusQueryConfig } from './status-query.config.js';

const statusLog = z.object({ epoch: z.uuid(), rows: z.array(statusRow) });
const delegate = z.object({ certificate: z.base64() });

/** The services whose word this one passes on: suspension owns the status log, issuance the certificates. */
export class Owners {
  readonly #suspension: ServiceClient;
  readonly #issuance: ServiceClient;

  constructor({ serviceKey, tokenIssuer, suspensionUrl, issuanceUrl }: StatusQueryConfig) {
    const tokens = serviceTokens(serviceKey, tokenIssuer, 'status-query');
    this.#suspension = new ServiceClient(suspensionUrl, tokens);
    this.#issuance = new ServiceClient(issuanceUrl, tokens);
  }

  /** Rows of the status log above a seq, in order: those the bus did not bring. */
  async statusRows(after: number, limit: number): Promise<StatusRow[]> {
    const path = `/api/v1/status-log?after=${after}&limit=${limit}`;
    return (await this.#suspension.call('GET', path, statusLog)).rows;
  }

  /** A certificate (DER) for an OCSP delegate's request (PKCS#10, DER). */
  async certifyDelegate(request: Buffer): Promise<Buffer> {
    const body = { csr: request.toString('base64') };
    const { certificate } = await this.#issuance.call('POST', '/api/v1/ocsp-delegates', delegate, body);
    return Buffer.from(certificate, 'base64');
  }
}
