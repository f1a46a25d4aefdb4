import { Clock } from '#libs/clock';
import { createLogger, keptOffset } from '#libs/host';
import { agentSettings } from './agent.config.js';
import { createCardAgent, listenOnLoopback } from './app.js';
import { readersOf } from './readers/readers-of.js';
import { startStation } from './station/station-server.js';

const { port, logLevel, clockFile, station, virtualCardsDir, ...settings } = agentSettings(
  process.env,
  process.argv.slice(2),
);
const log = createLogger(logLevel).child({ service: 'card-agent' });
const clock = new Clock();
const setClock = clockFile ? { beforeRequest: () => clock.set(keptOffset(clockFile) ?? 0) } : {};
const driven = readersOf(virtualCardsDir, log);
const agent = await listenOnLoopback(await createCardAgent({ ...settings, ...setClock, ...driven, log, clock }), port);
const relay = station && (await startStation(station, { readers: driven.readers, log }));
if (relay) log.info({ port: relay.port }, 'the station listens for the centre');
log.info(
  { port: agent.port, virtual: virtualCardsDir !== undefined, pairing: settings.pairing },
  'the card agent listens on loopback',
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Exits by itself: the thread that waits for news of readers would hold the process.
  process.once(signal, () => void Promise.all([relay?.close(), agent.close()]).finally(() => process.exit()));
}
