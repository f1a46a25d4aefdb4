import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PivCard, type Slot } from '#libs/piv';
import { type FixtureCard, HOLDER_PIN, makeFixture, VirtualCardStore, VpcdPlug } from '#libs/virtual-card';
import { describeWithReaders, judge } from './judge.js';
import { type Pcscd, startPcscd } from './pcscd.js';

const SECOND = ['--reader', '1'];

describeWithReaders('independent judges, through pcscd', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-judges-'));
  const store = new VirtualCardStore(dir);
  let pcscd: Pcscd;
  let rsa: FixtureCard;
  let sent: FixtureCard;
  const plugs: VpcdPlug[] = [];

  const tool = (program: string, ...args: string[]) => judge(pcscd.env, program, ...args);
  const yubico = (reader: 0 | 1, ...args: string[]) =>
    tool('yubico-piv-tool', '-r', pcscd.slots[reader].reader, ...args);

  /** Our own host reads the card outside the reader. */
  async function inHand<T>(card: FixtureCard, work: (piv: PivCard) => Promise<T>): Promise<T> {
    const plug = plugs[card === rsa ? 0 : 1]!;
    await plug.pull();
    const connection = await card.powerOn();
    try {
      return await work(await PivCard.select(connection));
    } finally {
      await connection.close();
      await plug.insert();
    }
  }

  beforeAll(async () => {
    pcscd = await startPcscd();
    rsa = await makeFixture(store, 'activated', 'EC00000000000001', { family: 'pivapplet', signatureKey: 'rsa-2048' });
    sent = await makeFixture(store, 'transport', 'EC00000000000002', { family: 'yubikey', pinTries: 3 });
    for (const [i, card] of [rsa, sent].entries()) {
      plugs.push(new VpcdPlug(card.powerOn, { port: pcscd.slots[i as 0 | 1].port }));
    }
    await Promise.all(plugs.map((plug) => plug.insert()));
  }, 60_000);
  afterAll(async () => {
    await Promise.all(plugs.map((plug) => plug.pull()));
    await pcscd?.stop();
    rmSync(dir, { recursive: true });
  });

  it('OpenSC takes each for a PIV card, in the reader it is in', async () => {
    const { text } = await tool('opensc-tool', '--list-readers');
    for (const { reader } of pcscd.slots) expect(text).toMatch(new RegExp(`Yes\\s+${reader}`));
    const { text: name } = await tool('opensc-tool', '--name', '--atr', ...SECOND);
    expect(name).toContain('Personal Identity Verification Card');
    expect(name).toContain('3b:80:80:01:01');
    expect((await tool('piv-tool', '--name')).text).toContain('Personal Identity Verification Card');
  });

  it('OpenSC and Yubico read the same certificates as we do', async () => {
    const { text } = await tool('pkcs15-tool', '--list-certificates');
    const { text: status } = await yubico(0, '-a', 'status');
    for (const der of Object.values(certificatesOf(rsa))) {
      expect(text.replaceAll(' ', '')).toContain(new X509Certificate(der).serialNumber);
      expect(status).toContain(createHash('sha256').update(der).digest('hex'));
    }
    expect(triesIn(status)).toBe(5);
    const { text: objects } = await tool('pkcs11-tool', '--list-slots', '--list-objects', '--slot', '0');
    expect(objects).toContain('Certificate for Digital Signature');
    expect(objects).toContain('DN: CN=EC00000000000001');
    // The CHUID's FASC-N begins with agency code 9999: OpenSC shows the end of the GUID.
    expect(objects).toContain(rsa.sample!.cardUuid.replaceAll('-', '').slice(16));
  }, 60_000);

  it('OpenSC signs with 9C after the PIN, and openssl verifies', async () => {
    const path = (name: string) => join(dir, name);
    writeFileSync(path('message'), 'a message');
    const files = ['-i', path('message'), '-o', path('signature')];
    const signing = ['--sign', '-m', 'SHA256-RSA-PKCS', '--id', '02', ...files];
    expect((await tool('pkcs11-tool', '--slot', '0', '--login', '--pin', HOLDER_PIN, ...signing)).ok).toBe(true);
    const { publicKey } = new X509Certificate(certificatesOf(rsa)['9C']);
    writeFileSync(path('key'), publicKey.export({ format: 'pem', type: 'spki' }));
    const args = ['dgst', '-sha256', '-verify', path('key'), '-signature', path('signature'), path('message')];
    expect((await tool('openssl', ...args)).text.trim()).toBe('Verified OK');

    expect((await yubico(0, '-a', 'verify-pin', '-P', '111111')).text).toContain('4 tries left');
    expect(await inHand(rsa, (piv) => piv.pinTries())).toBe(4);
  }, 60_000);

  it('Yubico counts, changes and unblocks a PIN as we do', async () => {
    const { transportPin, puk } = sent.sample!;
    expect((await yubico(1, '-a', 'verify-pin', '-P', '999999')).text).toContain('2 tries left');
    expect((await yubico(1, '-a', 'change-pin', '-P', transportPin, '-N', 'Ab1!xy')).ok).toBe(true);
    await inHand(sent, async (piv) => {
      expect(await piv.verifyPin('Ab1!xy')).toEqual({ ok: true });
      for (const triesLeft of [2, 1, 0]) expect(await piv.verifyPin('999999')).toEqual({ ok: false, triesLeft });
    });
    expect((await yubico(1, '-a', 'verify-pin', '-P', 'Ab1!xy')).text).toContain('blocked');
    expect((await yubico(1, '-a', 'unblock-pin', '-P', puk, '-N', '24681357')).ok).toBe(true);
    expect((await yubico(1, '-a', 'verify-pin', '-P', '24681357')).ok).toBe(true);
    expect((await yubico(1, '-a', 'change-puk', '-P', puk, '-N', '87654321')).ok).toBe(true);
    await inHand(sent, async (piv) => {
      expect(await piv.pinTries()).toBe(3);
      expect(await piv.changePuk('87654321', puk)).toEqual({ ok: true });
    });
  }, 60_000);

  it('Yubico authenticates with the management key in 3DES, OpenSC in AES', async () => {
    const key = rsa.sample!.managementKey.toString('hex');
    const next = '00112233445566778899aabbccddeeff0123456789abcdef';
    expect((await yubico(0, `-k${next}`, '-a', 'set-mgm-key', '-n', key)).text).toContain('Failed authentication');
    expect((await yubico(0, `-k${key}`, '-a', 'set-mgm-key', '-n', next)).ok).toBe(true);
    await inHand(rsa, async (piv) => {
      await piv.authenticateManagement(Buffer.from(next, 'hex'));
      await piv.setManagementKey(rsa.sample!.managementKey);
    });

    const file = join(dir, 'key');
    const env = { ...pcscd.env, PIV_EXT_AUTH_KEY: file };
    const mutual = (octets: Buffer) => {
      writeFileSync(file, octets.toString('hex').match(/../g)!.join(':'));
      return judge(env, 'piv-tool', '--admin', 'M:9B:0A', ...SECOND);
    };
    expect((await mutual(sent.sample!.managementKey)).ok).toBe(true);
    expect((await mutual(Buffer.alloc(24, 1))).ok).toBe(false);
  }, 60_000);

  it('a card that is pulled is gone for everybody, and another kind of card is not taken for ours', async () => {
    await plugs[1]!.pull();
    const foreign = await makeFixture(store, 'foreign', 'EC00000000000003');
    const plug = new VpcdPlug(foreign.powerOn, { port: pcscd.slots[1].port });
    await plug.insert();
    expect((await tool('opensc-tool', '--card-driver', 'PIV-II', '--name', ...SECOND)).ok).toBe(false);
    expect((await yubico(1, '-a', 'status')).ok).toBe(false);
    await plug.pull();
  }, 60_000);
});

function certificatesOf({ sample }: FixtureCard): Record<Slot, Buffer> {
  const { signatureCertificate, encryptionCertificate, cardCertificate } = sample!;
  return { '9C': signatureCertificate, '9D': encryptionCertificate, '9E': cardCertificate };
}

const triesIn = (text: string) => Number(/PIN tries left:\s+(\d+)/.exec(text)?.[1]);
