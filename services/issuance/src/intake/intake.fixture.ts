import { randomUUID } from 'node:crypto';
import { ensureKeyPair, type KeyPair, signDetached } from '#libs/credentials';
import type { Answer, IssuanceBench } from '../issuance.fixture.js';

export const BIRTH_DATE = '1987-02-21';

let cases = 0;

/** What a registration office pushes; every field that must be there. */
export const combined = (changes: Record<string, unknown> = {}) => ({
  registration: { caseNumber: `115-${++cases}`, kind: 'establishment' },
  kind: 'company',
  name: '併案示範股份有限公司',
  ubn: '04595252',
  representative: { name: '王測試', nationalId: 'A123456789', birthDate: BIRTH_DATE },
  contact: { address: '臺中市測試路二號', phone: '04-2345-6789' },
  ...changes,
});

/** A registration office with a key of its own. */
export class Office {
  private constructor(
    readonly bench: IssuanceBench,
    readonly name: string,
    readonly keys: KeyPair,
  ) {}

  static async create(bench: IssuanceBench, name: string, curve?: 'P-256' | 'Ed25519'): Promise<Office> {
    return new Office(bench, name, await ensureKeyPair(bench.file(`${name}.jwk`), curve));
  }

  static async registered(bench: IssuanceBench, name: string, curve?: 'P-256' | 'Ed25519'): Promise<Office> {
    const office = await Office.create(bench, name, curve);
    const { status } = await office.register([office.keys.publicJwk]);
    if (status !== 200) throw new Error(`registering a key answered ${status}`);
    return office;
  }

  register(keys: unknown): Promise<Answer> {
    return this.bench.call('PUT', `/api/v1/registration-offices/${this.name}/keys`, {
      body: { keys },
      role: 'ca-officer',
    });
  }

  /** Signs what it sends, unless told otherwise. */
  async push(
    request: unknown,
    { signature, key = randomUUID(), as = this.name }: { signature?: string; key?: string | null; as?: string } = {},
  ): Promise<Answer> {
    // Not as JSON.stringify writes it: the signature must be over what was sent.
    const raw = typeof request === 'string' ? request : `${JSON.stringify(request, null, 2)}\n`;
    return this.bench.call('POST', '/api/v1/combined-applications', {
      raw,
      role: 'registration-office',
      subject: as,
      headers: {
        'x-jws-signature': signature ?? (await signDetached(this.keys, Buffer.from(raw))),
        ...(key !== null && { 'idempotency-key': key }),
      },
    });
  }
}
