import { Injectable } from '@nestjs/common';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { claimedKey, type PublicJwk, signingAlgorithms, verifiesDetached } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { OfficeKeys } from './office-key.schema.js';

interface KeyRow {
  office: string;
  kid: string;
  jwk: JWK;
  registeredAt: Date;
  registeredBy: string;
}

/** Registration offices, as far as they are known: by the keys they sign their pushes with. */
@Injectable()
export class RegistrationOffices {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes these the office's keys; those it had and that are not among them are retired, and stay on record.
   *
   * @throws CaError conflict when another office uses one of them
   */
  async setKeys(office: string, jwks: readonly JWK[], officer: string): Promise<OfficeKeys> {
    const keys = new Map<string, JWK>();
    for (const jwk of jwks) keys.set(await calculateJwkThumbprint(jwk), jwk);
    const kids = [...keys.keys()];
    return this.source.transaction(async (tx) => {
      await tx.query(`select pg_advisory_xact_lock(hashtextextended('kaika.issuance.office-keys', 0))`);
      await refuseOthers(tx, office, kids);
      await tx.query(
        `update office_key set retired_at = $3, retired_by = $4
         where office = $1 and retired_at is null and not kid = any($2)`,
        [office, kids, this.clock.now(), officer],
      );
      await tx.query(
        `insert into office_key (office, kid, jwk, registered_at, registered_by)
         select $1, kid, jwk, $4, $5 from unnest($2::text[], $3::jsonb[]) as given (kid, jwk)
         on conflict (kid) where retired_at is null do nothing`,
        [office, kids, [...keys.values()].map((jwk) => JSON.stringify(jwk)), this.clock.now(), officer],
      );
      return { office, keys: (await inUse(tx, office)).map(shown) };
    });
  }

  /** Offices with a key in use. */
  async list(): Promise<{ items: OfficeKeys[] }> {
    const items = new Map<string, OfficeKeys>();
    for (const row of await inUse(this.source)) {
      const { keys } = items.get(row.office) ?? { keys: [] };
      items.set(row.office, { office: row.office, keys: [...keys, shown(row)] });
    }
    return { items: [...items.values()] };
  }

  /**
   * Whether these octets come from this office: signed with a key that is in use and its own.
   *
   * @param signature detached JWS
   * @throws CaError invalidRequest (no signature) | officeKeyUnknown | officeSignatureWrong
   */
  async verify(office: string, signature: string | undefined, octets: Uint8Array | undefined): Promise<void> {
    const kid = signature === undefined ? undefined : claimedKey(signature);
    if (kid === undefined || signature === undefined || octets === undefined) {
      const errors = [{ at: 'header:X-JWS-Signature', problem: 'must hold a detached JWS that names its key' }];
      throw new CaError('invalidRequest', 'header:X-JWS-Signature: must hold a detached JWS', { errors });
    }
    const [key] = await this.source.query<{ jwk: JWK }[]>(
      'select jwk from office_key where kid = $1 and office = $2 and retired_at is null',
      [kid, office],
    );
    if (!key) throw new CaError('officeKeyUnknown', 'sign with a key that is registered for your office');
    if (await verifiesDetached({ ...key.jwk, kid } as PublicJwk, signature, octets)) return;
    throw new CaError('officeSignatureWrong', 'the signature is not over the octets of this body');
  }
}

/** @throws CaError conflict */
async function refuseOthers(tx: EntityManager, office: string, kids: string[]): Promise<void> {
  const [other] = await tx.query<{ kid: string }[]>(
    'select kid from office_key where kid = any($1) and office <> $2 and retired_at is null limit 1',
    [kids, office],
  );
  if (other) throw new CaError('conflict', 'one of these keys belongs to another office', { kid: other.kid });
}

async function inUse(source: DataSource | EntityManager, office?: string): Promise<KeyRow[]> {
  return source.query<KeyRow[]>(
    `select office, kid, jwk, registered_at as "registeredAt", registered_by as "registeredBy" from office_key
     where retired_at is null and ($1::text is null or office = $1) order by office, id`,
    [office ?? null],
  );
}

const shown = ({ kid, jwk, registeredAt, registeredBy }: KeyRow): OfficeKeys['keys'][number] => ({
  kid,
  algorithms: signingAlgorithms(jwk),
  registeredAt: registeredAt.toISOString(),
  registeredBy,
});
