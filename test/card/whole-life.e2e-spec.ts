import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#libs/clock';
import { agentSignatureMessage } from '../../services/card-agent/src/pin/known-pin.js';
import { VirtualCardStore, VpcdPlug } from '#libs/virtual-card';
import { ensureKeys } from '../../services/all-in-one/src/keys.js';
import { Identities } from '../../services/card-agent/src/station/station.fixture.js';
import { storyCards, type Card } from '../demo/cards.js';
import { ask } from '../demo/http.js';
import { EMBEDDED, Instance } from '../demo/instance.js';
import { play } from '../demo/run.js';
import { story } from '../demo/story.js';
import { storyDays, World } from '../demo/world.js';
import { CardLife } from './card-life.js';
import { describeWithReaders, judge } from './judge.js';
import { Kiosk } from './kiosk.js';
import { type Pcscd, startPcscd } from './pcscd.js';

/** The holder's next PINs; digits, which every family takes. */
const [NEW_PIN, LAST_PIN] = ['97531864', '86429753'];

/**
 * A card's whole life in the readers of a real pcscd, made by an agent in station mode and opened at a kiosk; OpenSC and
 * Yubico's tools read the same cards in between.
 */
describeWithReaders('a card in a real reader', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-whole-life-'));
  const identities = new Identities();
  const factory = new VirtualCardStore(join(dir, 'factory'));
  const cards = storyCards();
  const [one, , three] = cards;
  let pcscd: Pcscd;
  let instance: Instance;
  let kiosk: Kiosk;
  let world: World;
  let life: CardLife;
  const plugs = new Map<string, VpcdPlug>();
  const tool = (program: string, ...args: string[]) => judge(pcscd.env, program, ...args);
  const yubico = (slot: 0 | 1, ...args: string[]) => tool('yubico-piv-tool', '-r', pcscd.slots[slot].reader, ...args);

  async function put(card: Card, slot: 0 | 1): Promise<void> {
    await plugs.get(card.cardNumber)?.pull();
    const plug = new VpcdPlug(() => factory.open(card.cardNumber), { port: pcscd.slots[slot].port });
    plugs.set(card.cardNumber, plug);
    await plug.insert();
  }
  const path = (name: string) => join(dir, name);
  const reader = (slot: 0 | 1) => pcscd.slots[slot].reader;
  const take = (card: Card) => plugs.get(card.cardNumber)!.pull();

  beforeAll(async () => {
    const [port, stationPort] = [await freePort(), await freePort()];
    const dataDir = join(dir, 'data');
    const { dir: secrets } = await ensureKeys(dataDir);
    const file = (name: string, content: Buffer) => {
      writeFileSync(join(dir, name), content);
      return join(dir, name);
    };
    const [client, station] = [identities.client(), identities.station()];
    const stations = {
      KAIKA_STATIONS: `counter=https://127.0.0.1:${stationPort}`,
      KAIKA_STATION_CERTIFICATE_FILE: file('client.pem', client.certificate),
      KAIKA_STATION_KEY_FILE: file('client.key', client.key),
      KAIKA_STATION_CA_FILE: file('stations.pem', identities.ca('stations')),
    };
    const profile = { ...EMBEDDED, env: { PORT: String(port), KAIKA_LOG_LEVEL: 'debug', ...stations } };
    pcscd = await startPcscd();
    instance = new Instance(dataDir, systemClock().now(), () => {}, profile);
    const agentEnv = {
      ...pcscd.env,
      KAIKA_JOB_KEY_FILE: join(secrets, 'pin-jobs.jwk.pub'),
      KAIKA_AGENT_STATION_PORT: String(stationPort),
      KAIKA_AGENT_STATION_CERTIFICATE_FILE: file('station.pem', station.certificate),
      KAIKA_AGENT_STATION_KEY_FILE: file('station.key', station.key),
      KAIKA_AGENT_STATION_CLIENT_CA_FILE: file('clients.pem', identities.ca('clients')),
    };
    [kiosk] = await Promise.all([Kiosk.start(agentEnv, `http://localhost:${port}`), instance.up()]);
    world = new World(instance, [one, three]);
    life = new CardLife(world, kiosk);
    await factory.create(one.cardNumber, { family: 'pivapplet' });
    await factory.create(three.cardNumber, { family: 'yubikey' });
  }, 180_000);
  afterAll(async () => {
    await Promise.all([...plugs.values()].map((plug) => plug.pull()));
    await kiosk?.stop();
    await instance?.stop();
    await pcscd?.stop();
    identities.remove();
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }, 60_000);

  /** The steps of the demo's story up to the post, for two of its cards, each put into the station in time. */
  it('is made by the centre’s station; others read there what the centre has on record', async () => {
    const all = story(world, cards, storyDays(systemClock().now()));
    const until = all.findIndex(({ step }) => step.startsWith('searches for a card before'));
    const steps = all
      .slice(1, until)
      .filter(({ step }) => !/(second|fourth) company|0000[24]\b/.test(step))
      .map(({ actor, step, expected, run }) => ({ actor, step, expected, run: () => inStation(step, run) }));
    const lines = await play(instance, steps, () => {});
    expect(lines.filter(({ ok }) => !ok)).toEqual([]);
  }, 120_000);

  it('is opened at a kiosk by way A and by way B, two cards in two readers', async () => {
    await kiosk.pair();
    await Promise.all([put(one, 0), put(three, 1)]);
    await Promise.all([world.statusOf(one, 'pending'), world.statusOf(three, 'pending')]);
    expect(await kiosk.call('POST', '/v1/card', {})).toMatchObject({ status: 409 }); // which of the two?
    expect(await life.read(reader(1))).toMatchObject({ cardNumber: three.cardNumber, pinTries: 5 });
    const states = await Promise.all([life.activate(one, reader(0)), life.activate(three, reader(1))]);
    expect(states).toEqual(['activated', 'activated']);
    await Promise.all([world.statusOf(one, 'valid'), world.statusOf(three, 'valid')]);
    expect((await yubico(1, '-a', 'verify-pin', '-P', three.pin)).text).toContain('Successfully verified PIN');
  }, 60_000);

  it('signs with its holder’s PIN, by our agent and by OpenSC, and openssl verifies by the certificate that search gives', async () => {
    const pem = (await ask('GET', world.api(`/certificates/${one.serials.sign}.pem`))).bytes;
    const { publicKey, raw } = new X509Certificate(pem);
    writeFileSync(path('key.pem'), publicKey.export({ format: 'pem', type: 'spki' }));
    const verified = async (message: Buffer, signature: Buffer) => {
      writeFileSync(path('message'), message);
      writeFileSync(path('signature'), signature);
      const args = ['dgst', '-sha256', '-verify', path('key.pem'), '-signature', path('signature'), path('message')];
      return (await tool('openssl', ...args)).text.trim();
    };
    const { nonce, signature, certificate } = await life.sign(reader(0), one.pin);
    expect(certificate).toEqual(raw);
    const octets = Buffer.from(agentSignatureMessage(instance.address.url, nonce));
    expect(await verified(octets, signature)).toBe('Verified OK');

    writeFileSync(path('text'), 'a message');
    const files = ['-i', path('text'), '-o', path('by-opensc')];
    const login = ['--slot', '0', '--login', '--pin', one.pin];
    const signed = await tool('pkcs11-tool', ...login, '--sign', '-m', 'SHA256-RSA-PKCS', '--id', '02', ...files);
    expect(signed).toMatchObject({ ok: true });
    expect(await verified(Buffer.from('a message'), readFileSync(path('by-opensc')))).toBe('Verified OK');
  }, 60_000);

  it('locks itself after wrong PINs, as the tools and the agent see it', async () => {
    for (let tries = 5; tries > 0; tries -= 1) await yubico(0, '-a', 'verify-pin', '-P', '999999');
    expect((await yubico(0, '-a', 'status')).text).toMatch(/PIN tries left:\s+0/);
    expect(await life.read(reader(0))).toMatchObject({ cardNumber: one.cardNumber, pinTries: 0 });
    await expect(life.changePin(reader(0), one.pin, NEW_PIN)).resolves.not.toBe('done');
  }, 60_000);

  it('is unlocked at the centre and gets a PIN again, without being accepted again', async () => {
    expect(await life.unlock(one, reader(0))).toMatchObject({ transportGeneration: 2, pukGeneration: 2 });
    expect((await yubico(0, '-a', 'status')).text).toMatch(/PIN tries left:\s+5/);
    expect(await life.resume(one, reader(0), NEW_PIN)).toBe('activated');
    expect((await yubico(0, '-a', 'verify-pin', '-P', NEW_PIN)).text).toContain('Successfully verified PIN');
  }, 60_000);

  it('gets a new PIN when its holder forgot the old one, and changes one that is known', async () => {
    expect(await life.resetPin(three, reader(1), NEW_PIN)).toBe('done');
    expect((await yubico(1, '-a', 'verify-pin', '-P', NEW_PIN)).text).toContain('Successfully verified PIN');
    expect(await life.changePin(reader(1), NEW_PIN, LAST_PIN)).toBe('done');
    expect((await yubico(1, '-a', 'verify-pin', '-P', LAST_PIN)).text).toContain('Successfully verified PIN');
    expect((await yubico(1, '-a', 'status')).text).toMatch(/PIN tries left:\s+5/);
  }, 60_000);

  it('leaves no PIN and no user code in anything that the centre or the kiosk printed', () => {
    const printed = instance.output + kiosk.output;
    expect(printed.length).toBeGreaterThan(1_000);
    for (const secret of [one.pin, NEW_PIN, LAST_PIN, one.userCode, three.userCode]) {
      for (const form of [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64')]) {
        expect(printed).not.toContain(form);
      }
    }
  });

  /** The card that a step makes lies in the reader meanwhile; afterwards others look at it. */
  async function inStation(step: string, run: () => Promise<unknown>): Promise<unknown> {
    const card = [one, three].find(({ cardNumber }) => step.startsWith(`has the keys made on card ${cardNumber}`));
    if (!card) return run();
    await put(card, 0);
    try {
      const observed = await run();
      if (card.serials.sign !== 'undefined') await othersRead(card);
      return observed;
    } finally {
      await take(card);
    }
  }

  async function othersRead({ serials }: Card): Promise<void> {
    const { text } = await tool('pkcs15-tool', '--list-certificates');
    for (const serial of [serials.sign, serials.enc]) expect(text.replaceAll(' ', '')).toContain(serial);
    expect((await yubico(0, '-a', 'status')).text).toMatch(/PIN tries left:\s+5/);
    // The factory's values are gone.
    expect((await yubico(0, '-a', 'change-puk', '-P', '12345678', '-N', '87654321')).ok).toBe(false);
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
