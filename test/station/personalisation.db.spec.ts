import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { withTestDatabase } from '#libs/database';
import { FACTORY_MANAGEMENT_KEY, OBJECT, PivCard } from '#libs/piv';
import { sampleCard, VirtualCardStore } from '#libs/virtual-card';
import { Cable, Identities } from '../../services/card-agent/src/station/station.fixture.js';
import { startStation } from '../../services/card-agent/src/station/station-server.js';
import type { Reader } from '../../services/card-agent/src/readers/reader.js';
import { CardIssue } from '../../services/issuance/src/certificates/card-issue.js';
import { CertificateIssuer } from '../../services/issuance/src/certificates/certificate-issuer.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../../services/issuance/src/issuance.config.js';
import { IssuanceBench } from '../../services/issuance/src/issuance.fixture.js';
import { breakableCards, Fault } from '../../services/issuance/src/production/faults.fixture.js';
import { PersonalisationService } from '../../services/issuance/src/production/personalisation.service.js';
import { ProductionRecords } from '../../services/issuance/src/production/production-records.js';
import { RemoteStation } from '../../services/issuance/src/production/remote-station.js';
import { Stations } from '../../services/issuance/src/production/station.js';
import { StationQueue } from '../../services/issuance/src/production/station-queue.js';

let bench: IssuanceBench;
const identities = new Identities();
/** The desk's reader: what lies in it, and what happens at which command. */
const desk = { card: undefined as string | undefined, cutAt: Infinity, sent: [] as string[] };
let relay: Awaited<ReturnType<typeof startStation>>;
let cable: Cable;
let sample: string;
afterAll(async () => {
  await cable?.close();
  await relay?.close();
  identities.remove();
  await bench?.stop();
});
const database = withTestDatabase();

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
  sample = await bench.assignedCard();
  const drawer = breakableCards(bench.cards, new Fault()); // for its RSA keys: none is broken here
  const reader: Reader = {
    name: 'desk',
    holdsCard: () => desk.card !== undefined,
    connect: async () => {
      const card = await drawer.open(desk.card!);
      return {
        transmit: async (apdu) => {
          const count = desk.sent.push(Buffer.from(apdu).toString('hex', 0, 2));
          const answer = await card.transmit(apdu);
          if (count === desk.cutAt) cable.cut();
          return answer;
        },
        close: () => card.close(),
      };
    },
  };
  relay = await startStation(
    { port: 0, host: '127.0.0.1', ...identities.station(), clientCa: identities.ca('clients') },
    { readers: { list: () => Promise.resolve([reader]) }, log: pino({ level: 'silent' }) },
  );
  cable = await Cable.to(relay.port);
}, 60_000);

function centre(): PersonalisationService {
  const { app } = bench.service;
  const { certificate, key } = identities.client();
  const station = new RemoteStation({
    ...{ name: 'desk-1', url: cable.url, ca: identities.ca('stations').toString() },
    ...{ certificate: certificate.toString(), key: key.toString() },
  });
  return new PersonalisationService(
    bench.source,
    app.get(ProductionRecords),
    app.get(CertificateIssuer),
    app.get(CardIssue),
    new Stations([station]),
    app.get(StationQueue),
    app.get<IssuanceConfig>(ISSUANCE_CONFIG),
  );
}

/** The station hears of a cut cable a moment later. */
async function make(service: PersonalisationService, cardNumber: string) {
  for (const until = performance.now() + 5_000; ;) {
    try {
      return await service.personalise(cardNumber, 'desk-1');
    } catch (error) {
      if (performance.now() > until || (error as { code?: string }).code !== 'readerBusy') throw error;
    }
  }
}

describe('a card that is made over the relay', () => {
  it('is made as any other, also when the connection is lost at any command', async () => {
    const service = centre();
    const lay = async (cutAt: number) => {
      Object.assign(desk, { card: await bench.quickCard(sample), cutAt, sent: [] });
      return desk.card!;
    };
    const whole = await lay(Infinity);
    expect(await make(service, whole)).toMatchObject({ cardNumber: whole, state: 'issued' });
    const commands = desk.sent.map((header, i) => ({ header, at: i + 1 }));
    // Each kind of command: those that change the card, and some that only ask.
    const kinds = ['00ff', '00fa', '00db', '10db', '0047', '0024', '0087', '0020', '00cb'];
    const chosen = kinds.map((kind) => commands.find(({ header }) => header === kind)!.at);
    for (const at of chosen) {
      const cardNumber = await lay(at);
      await expect(service.personalise(cardNumber, 'desk-1')).rejects.toMatchObject({ code: 'stationUnreachable' });
      desk.cutAt = Infinity;
      expect(await make(service, cardNumber)).toMatchObject({ cardNumber, state: 'issued' });
      expect(await bench.events('certificate.issued', cardNumber)).toHaveLength(1);
    }
  }, 120_000);

  it('is refused by name when another lies there, or none', async () => {
    const service = centre();
    const [made, begun, wanted] = [await bench.quickCard(sample), await bench.quickCard(sample), await bench.quickCard(sample)]; // prettier-ignore
    Object.assign(desk, { card: made, cutAt: Infinity, sent: [] });
    await make(service, made);
    const wrong = (params: object) => ({ code: 'wrongCardInStation', params: expect.objectContaining(params) });
    await expect(make(service, wanted)).rejects.toMatchObject(wrong({ expected: wanted, found: made, foundState: 'issued' })); // prettier-ignore
    // One that is in the making.
    Object.assign(desk, { card: begun, cutAt: 40, sent: [] });
    await expect(make(service, begun)).rejects.toMatchObject({ code: 'stationUnreachable' });
    desk.cutAt = Infinity;
    await expect(make(service, wanted)).rejects.toMatchObject(wrong({ found: begun, foundState: 'assigned' }));
    desk.card = undefined;
    await expect(make(service, wanted)).rejects.toMatchObject({ code: 'noCard' });
    await expect(service.personalise(wanted, 'desk-9')).rejects.toMatchObject({ code: 'notFound' });
    // Nothing was made for the card that was wanted.
    expect(await bench.source.query('select 1 from certificate where card_number = $1', [wanted])).toEqual([]);
  });

  it('is refused by name when it is a card of somebody else’s', async () => {
    const service = centre();
    const wanted = await bench.quickCard(sample);
    const store = new VirtualCardStore(bench.file('cards'));
    const foreign = bench.newCardNumber();
    await sampleCard(store, foreign);
    const blank = bench.newCardNumber();
    await store.create(blank);
    desk.card = foreign;
    await expect(make(service, wanted)).rejects.toMatchObject({ code: 'wrongCardInStation' });
    // Some makers' blank cards have a CHUID: it is replaced.
    const connection = await store.open(blank);
    const piv = await PivCard.select(connection);
    await piv.authenticateManagement(FACTORY_MANAGEMENT_KEY);
    await piv.putObject(OBJECT.CHUID, Buffer.from(`3410${'ab'.repeat(16)}`, 'hex'));
    await connection.close();
    desk.card = blank;
    expect(await make(service, wanted)).toMatchObject({ state: 'issued' });
  });
});
