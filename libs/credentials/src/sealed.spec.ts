import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openCredential, sealCredential } from './credential.js';
import { ensureKeyPair } from './key-pair.js';
import { openSealed, sealFor } from './sealed.js';
import { openRecord, sealRecord } from './sealed-record.js';

const dir = mkdtempSync(join(tmpdir(), 'kaika-sealed-'));
const [acceptance, suspension, stranger] = await Promise.all(
  ['acceptance', 'suspension', 'stranger'].map((name) => ensureKeyPair(join(dir, name))),
);
const both = [acceptance!.publicJwk, suspension!.publicJwk];
const credential = { cardNumber: 'TT00000000000051', generation: 1, verifier: 'scrypt$16384$8$1$salt$hash' };

describe('what travels in an event', () => {
  it('is opened by each recipient, after JSON, and by nobody else', async () => {
    const sealed = JSON.parse(JSON.stringify(await sealFor(both, { secret: '開卡' }, 'context'))) as Record<
      string,
      unknown
    >;
    for (const pair of [acceptance!, suspension!]) {
      await expect(openSealed(pair, sealed, 'context')).resolves.toEqual({ secret: '開卡' });
    }
    await expect(openSealed(stranger!, sealed, 'context')).rejects.toThrow();
  });

  it('has the algorithms it should have, and never two alike', async () => {
    const [one, two] = await Promise.all([sealFor(both, 1, 'c'), sealFor(both, 1, 'c')]);
    expect(Buffer.from(one.protected!, 'base64url').toString()).toBe('{"enc":"A256GCM"}');
    expect(one.recipients.map((r) => r.header)).toEqual(
      both.map(({ kid }) => expect.objectContaining({ alg: 'ECDH-ES+A256KW', kid })),
    );
    expect(one.ciphertext === two.ciphertext || one.iv === two.iv).toBe(false);
  });

  it('does not open when anything in it was changed', async () => {
    const sealed = await sealFor(both, { secret: 1 }, 'context');
    const flip = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
    for (const member of ['ciphertext', 'iv', 'tag', 'aad', 'protected'] as const) {
      const changed = { ...sealed, [member]: flip(sealed[member]!) };
      await expect(openSealed(acceptance!, changed, 'context')).rejects.toThrow();
    }
    const weaker = { ...sealed, protected: Buffer.from('{"enc":"A128GCM"}').toString('base64url') };
    await expect(openSealed(acceptance!, weaker, 'context')).rejects.toThrow();
    for (const rubbish of [{}, { recipients: [] }, { recipients: 'x' }, { ...sealed, recipients: [null] }]) {
      await expect(openSealed(acceptance!, rubbish, 'context')).rejects.toThrow();
    }
  });

  it('is not sealed to nobody', async () => {
    await expect(sealFor([], 1, 'c')).rejects.toThrow('sealed to nobody');
  });

  it('carries a credential that can’t be given to another card, generation or kind', async () => {
    const data = await sealCredential(both, credential);
    await expect(openCredential(suspension!, data)).resolves.toEqual({ ...credential, kind: 'user-code' });
    const others = [{ cardNumber: 'TT00000000000052' }, { generation: 2 }, { kind: 'representative' as const }];
    for (const other of others) {
      await expect(openCredential(suspension!, { ...data, ...other })).rejects.toThrow('belongs to something else');
    }
    const empty = { ...data, jwe: await sealFor(both, {}, 'kaika/credential/v1/TT00000000000051/user-code/1') };
    await expect(openCredential(suspension!, empty)).rejects.toThrow('holds no verifier');
  });
});

describe('personal data at rest', () => {
  const key = createSecretKey(randomBytes(32));
  const row = { table: 'application', id: 'b0a1' };

  it('opens in its own row only, with its own key only', async () => {
    const token = await sealRecord(key, row, { name: '王小明' });
    await expect(openRecord(key, row, token)).resolves.toEqual({ name: '王小明' });
    await expect(openRecord(key, { ...row, id: 'b0a2' }, token)).rejects.toThrow('belongs to another row');
    await expect(openRecord(key, { ...row, table: 'contact' }, token)).rejects.toThrow('belongs to another row');
    await expect(openRecord(createSecretKey(randomBytes(32)), row, token)).rejects.toThrow();
  });

  it('does not open under a rewritten header', async () => {
    const [, ...rest] = (await sealRecord(key, row, 1)).split('.');
    const header = { alg: 'dir', enc: 'A256GCM', table: 'application', id: 'b0a2' };
    const forged = [Buffer.from(JSON.stringify(header)).toString('base64url'), ...rest].join('.');
    await expect(openRecord(key, { ...row, id: 'b0a2' }, forged)).rejects.toThrow();
  });

  it('keeps any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const opened = await openRecord(key, row, await sealRecord(key, row, value));
        expect(opened).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 50 },
    );
  });
});
