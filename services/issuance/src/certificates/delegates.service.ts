import { type KeyObject, X509Certificate } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock, toWholeSeconds } from '#libs/clock';
import { CaError } from '#libs/errors';
import {
  buildDelegateTbs,
  checkDelegateRequest,
  type DelegateParams,
  delegateNotAfter,
  lintDelegate,
} from '#libs/ocsp';
import { type CaCertificate, newSerial, signTbs, spkiOf } from '#libs/pki';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';

/** Relying parties whose clocks are late still take answers of a delegate that was certified just now. */
const BACKDATED_MS = 300_000;

interface Row {
  serial: string;
  spki: Buffer;
  notBefore: Date;
  tbs: Buffer;
  der: Buffer | null;
}

/**
 * Certifies the OCSP responder's own keys for the issuing CA (RFC 6960 §4.2.2.2), at most 30 days each. As with every
 * certificate, serial and bytes are committed before a signature exists (invariant 1).
 */
@Injectable()
export class DelegatesService {
  private readonly issuer: CaCertificate;
  private readonly organization: string | undefined;
  private readonly caKeys: KeyObject[];

  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    @Inject(ISSUANCE_CONFIG) { authority }: Pick<IssuanceConfig, 'authority'>,
  ) {
    this.issuer = authority.issuing;
    this.caKeys = [authority.root, authority.issuing, authority.card].map(({ publicKey }) => publicKey);
    const { O } = new X509Certificate(this.issuer.der).toLegacyObject().subject as { O?: string };
    this.organization = O;
  }

  /**
   * Asked again for the same key, as after a lost answer: the same certificate, while it is valid.
   *
   * @param request PKCS#10, DER
   * @param service subject of the caller's token
   * @returns DER
   * @throws CaError certificateRequestInvalid | signerUnavailable
   */
  async certify(request: Buffer, service: string): Promise<Buffer> {
    const publicKey = checkDelegateRequest(request);
    if (this.caKeys.some((key) => key.equals(publicKey))) {
      throw new CaError('certificateRequestInvalid', 'this key is a CA’s own', { problem: 'a CA’s own key' });
    }
    const intended = await this.source.transaction((tx) => this.intend(tx, publicKey, service));
    return intended.der ?? this.sign(intended, publicKey);
  }

  private async intend(tx: EntityManager, publicKey: KeyObject, service: string): Promise<Row> {
    const spki = spkiOf(publicKey);
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('kaika.issuance.delegate ' || $1, 0))`, [
      spki.toString('hex'),
    ]);
    const now = this.clock.now();
    const [present] = await tx.query<Row[]>(
      `select serial, spki, not_before as "notBefore", tbs, der from delegate_certificate
       where spki = $1 and issuer_ski = $2 and not_after > $3 order by not_after desc limit 1`,
      [spki, this.issuer.skiHex, now],
    );
    return present ?? this.store(tx, publicKey, service, now);
  }

  private async store(tx: EntityManager, publicKey: KeyObject, service: string, now: Date): Promise<Row> {
    const backdated = toWholeSeconds(new Date(now.getTime() - BACKDATED_MS));
    const notBefore = backdated < this.issuer.notBefore ? this.issuer.notBefore : backdated;
    const params = this.params(newSerial(), publicKey, notBefore);
    const { serial } = params;
    const [spki, tbs] = [spkiOf(publicKey), buildDelegateTbs(params)];
    lintDelegate(tbs, params);
    await tx.query('insert into serial (serial) values ($1)', [serial]);
    await tx.query(
      `insert into delegate_certificate
         (serial, issuer_ski, requested_by, spki, not_before, not_after, tbs, intended_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [serial, this.issuer.skiHex, service, spki, notBefore, delegateNotAfter(params), tbs, now],
    );
    return { serial, spki, notBefore, tbs, der: null };
  }

  /** Always the stored bytes, never others; signed twice at once, one of both is stored and given to everybody. */
  private async sign({ serial, notBefore, tbs }: Row, publicKey: KeyObject): Promise<Buffer> {
    const params = this.params(serial, publicKey, notBefore);
    lintDelegate(tbs, params);
    const der = await signTbs(tbs, await this.issuer.signer());
    lintDelegate(der, params);
    await this.source.query(
      'update delegate_certificate set der = $2, signed_at = $3 where serial = $1 and der is null',
      [serial, der, this.clock.now()],
    );
    const [stored] = await this.source.query<{ der: Buffer }[]>(
      'select der from delegate_certificate where serial = $1',
      [serial],
    );
    return stored!.der;
  }

  private params(serial: string, publicKey: KeyObject, notBefore: Date): DelegateParams {
    const { organization: O, issuer } = this;
    return { serial, issuer, subject: { C: 'TW', ...(O && { O }), CN: 'OCSP responder' }, publicKey, notBefore };
  }
}
