import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { FACTORY_PIN, PivCard } from '#libs/piv';
import { RemoteStation } from '../../services/issuance/src/production/remote-station.js';
import { TestReaders } from '../../services/card-agent/src/readers/readers.fixture.js';
import { Cable, Identities, type Identity } from '../../services/card-agent/src/station/station.fixture.js';
import { stationOf } from '../../services/card-agent/src/station/station.config.js';
import { startStation } from '../../services/card-agent/src/station/station-server.js';

const CARD = 'TT00000000000001';
const identities = new Identities();
const readers = new TestReaders();
const own = identities.client();
let log = '';
let station: Awaited<ReturnType<typeof startStation>>;

const start = (identity: Identity = identities.station()) =>
  startStation(
    { port: 0, host: '127.0.0.1', ...identity, clientCa: identities.ca('clients') },
    { readers, log: pino({ level: 'trace' }, new Writable({ write: (text, _, done) => ((log += String(text)), done()) })) }, // prettier-ignore
  );

beforeAll(async () => {
  station = await start();
  await readers.store.create(CARD);
});
beforeEach(() => {
  readers.a.insert(CARD);
  readers.b.insert(undefined);
});
afterAll(async () => {
  await station.close();
  readers.close();
  identities.remove();
});

const client = (as: Identity = own, { port, url }: { port?: number; url?: string } = {}) =>
  new RemoteStation({
    ...{
      name: 'desk-1',
      url: url ?? `https://127.0.0.1:${port ?? station.port}`,
      ca: identities.ca('stations').toString(),
    },
    ...{ certificate: as.certificate.toString(), key: as.key.toString() },
  });

/** One request without a RemoteStation around it. @returns status and body, or the error's code */
const raw = (options: object, { method = 'POST', path = '/v1/session', body = Buffer.alloc(0) } = {}) =>
  new Promise<{ status?: number | undefined; text?: string; error?: string }>((resolve) => {
    const outgoing = request(
      { host: '127.0.0.1', port: station.port, method, path, ca: identities.ca('stations'), agent: false, ...options },
      (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => resolve({ status: response.statusCode, text }));
      },
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }));
    outgoing.end(body);
  });
const asClient = { cert: own.certificate, key: own.key };

describe('the door of a station', () => {
  it('lets in a client of the configured CA, who reaches the card', async () => {
    const connection = await client().open();
    const piv = await PivCard.select(connection);
    expect(await piv.pinTries()).toBe(5);
    expect(await piv.verifyPin(FACTORY_PIN)).toEqual({ ok: true });
    await connection.close();
    // A reset lies between two sessions: the PIN is not verified any more.
    const next = await client().open();
    expect(await (await PivCard.select(next)).pinTries()).toBe(5);
    await next.close();
  });

  it.each([
    ['nobody', {}],
    ['a client of a foreign CA', clientOf(identities.client('foreign'))],
    ['a client of the stations’ CA', clientOf(identities.client('stations'))],
    ['a client whose certificate has expired', clientOf(identities.client('clients', -1))],
    ['another station', clientOf(identities.station())],
  ])('refuses %s before a request is read', async (_who, options) => {
    const before = readers.a.sent.length;
    for (const method of ['POST', 'GET', 'DELETE']) {
      expect(await raw(options, { method })).toEqual({ error: expect.stringMatching(/ECONNRESET|EPIPE|ERR_SSL_/) });
    }
    expect(readers.a.sent).toHaveLength(before);
    expect(log).toContain('refused at the station');
  });

  it('is not open to TLS 1.2, nor without TLS', async () => {
    expect(await raw({ ...asClient, maxVersion: 'TLSv1.2' })).toEqual({ error: expect.stringMatching(/ERR_SSL|EPROTO|ECONNRESET/) }); // prettier-ignore
    const plain = await fetch(`http://127.0.0.1:${station.port}/v1/session`, { method: 'POST' }).catch(() => 'refused');
    expect(plain).toBe('refused');
  });

  it('is trusted by its client only with a certificate of the stations’ CA for its address', async () => {
    for (const identity of [identities.station('foreign'), identities.station('stations', '10.1.2.3')]) {
      const other = await start(identity);
      await expect(client(own, { port: other.port }).open()).rejects.toMatchObject({ code: 'stationUnreachable' });
      await other.close();
    }
    await expect(client(own, { port: 1 }).open()).rejects.toMatchObject({ code: 'stationUnreachable' });
  });

  it('knows three requests, and no APDU that is none', async () => {
    expect(await raw(asClient, { method: 'GET', path: '/' })).toMatchObject({ status: 404 });
    expect(await raw(asClient, { path: '/v1/apdu', body: Buffer.alloc(5) })).toMatchObject({ status: 410 });
    expect(await raw(asClient, { path: '/v1/apdu', body: Buffer.alloc(262) })).toMatchObject({ status: 413 });
    const connection = await client().open();
    await expect(connection.transmit(Buffer.alloc(3))).rejects.toMatchObject({ code: 'invalidRequest' });
    await connection.close();
  });

  it('is off unless a port is set, and then wants its three files', () => {
    const none = { KAIKA_AGENT_STATION_HOST: '127.0.0.1' };
    expect(stationOf(none)).toBeUndefined();
    const file = join(identities.dir, 'clients.pem');
    const some = { ...none, KAIKA_AGENT_STATION_PORT: 3020, KAIKA_AGENT_STATION_KEY_FILE: file };
    expect(() => stationOf(some)).toThrow(/STATION_CERTIFICATE_FILE[^]*STATION_CLIENT_CA_FILE/);
    const all = { KAIKA_AGENT_STATION_CERTIFICATE_FILE: file, KAIKA_AGENT_STATION_CLIENT_CA_FILE: file };
    expect(stationOf({ ...some, ...all })).toMatchObject({ port: 3020, clientCa: identities.ca('clients') });
  });
});

describe('the card of a station', () => {
  it('has one session at a time, over all connections', async () => {
    const first = await client().open();
    for (let i = 0; i < 3; i += 1) await expect(client().open()).rejects.toMatchObject({ code: 'readerBusy' });
    await first.close();
    const second = await client().open();
    await second.close();
  });

  it('is reset and free again when the connection is lost, after the command that is under way', async () => {
    const cable = await Cable.to(station.port);
    const connection = await client(own, { url: cable.url }).open();
    await (await PivCard.select(connection)).verifyPin(FACTORY_PIN);
    const lost = connection.transmit(Buffer.from('00200080', 'hex'));
    cable.cut();
    await expect(lost).rejects.toMatchObject({ code: 'stationUnreachable' });
    // The same RemoteStation does not begin another session by itself.
    await expect(connection.transmit(Buffer.from('00200080', 'hex'))).rejects.toMatchObject({ code: 'stationUnreachable' }); // prettier-ignore
    await connection.close();
    const again = await freed(() => client().open());
    expect(await (await PivCard.select(again)).pinTries()).toBe(5);
    await again.close();
    await cable.close();
  });

  it('is given back at once when the station is silent: the connection ends, nothing waits for the answer', async () => {
    const cable = await Cable.to(station.port);
    const connection = await client(own, { url: cable.url }).open();
    cable.swallow();
    // Without the centre's side hanging up, this one would end in two minutes, and `close` after it.
    const lost = connection.transmit(Buffer.from('00200080', 'hex')).catch((error: unknown) => error);
    await connection.close();
    expect(await lost).toMatchObject({ code: 'stationUnreachable' });
    const again = await freed(() => client().open());
    await again.close();
    await cable.close();
  });

  it('is named when it is missing, one of several, or no card of ours', async () => {
    readers.a.insert(undefined);
    await expect(client().open()).rejects.toMatchObject({ code: 'noCard' });
    readers.a.insert(CARD);
    readers.b.insert(CARD);
    await expect(client().open()).rejects.toMatchObject({ code: 'severalCards' });
    const { connected } = readers;
    readers.connected = [];
    await expect(client().open()).rejects.toMatchObject({ code: 'noReader' });
    readers.connected = connected;
  });

  it('pulled out in the middle is named, and the next session begins anew', async () => {
    readers.a.sent = [];
    readers.a.fault = { at: 2, when: 'after' };
    const connection = await client().open();
    const piv = await PivCard.select(connection);
    await expect(piv.verifyPin(FACTORY_PIN)).rejects.toMatchObject({ code: 'cardRemoved' });
    await connection.close();
    readers.a.fault = undefined;
    await expect(client().open()).rejects.toMatchObject({ code: 'noCard' });
  });

  it('keeps what is sent out of the log', async () => {
    const connection = await client().open();
    await (await PivCard.select(connection)).verifyPin(FACTORY_PIN);
    await connection.close();
    expect(log).not.toContain(FACTORY_PIN);
    expect(log).not.toContain(Buffer.from(FACTORY_PIN).toString('hex'));
  });

  it('goes when the station is closed', async () => {
    const other = await start();
    const connection = await client(own, { port: other.port }).open();
    await other.close();
    await expect(connection.transmit(Buffer.from('00200080', 'hex'))).rejects.toMatchObject({ code: 'stationUnreachable' }); // prettier-ignore
    const next = await client().open();
    await next.close();
  });
});

it('says nothing before the handshake is right', async () => {
  const socket = connect({ host: '127.0.0.1', port: station.port, ca: identities.ca('stations') });
  let heard = 0;
  socket.on('data', (part) => (heard += part.length));
  socket.on('error', () => undefined);
  socket.write('POST /v1/session HTTP/1.1\r\nhost: x\r\n\r\n');
  await new Promise((resolve) => socket.once('close', resolve));
  expect(heard).toBe(0);
});

function clientOf({ certificate, key }: Identity) {
  return { cert: certificate, key };
}

/** The station hears of a lost connection a moment later. */
async function freed<T>(open: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + 5_000; ;) {
    try {
      return await open();
    } catch (error) {
      if (performance.now() > until || (error as { code?: string }).code !== 'readerBusy') throw error;
    }
  }
}
