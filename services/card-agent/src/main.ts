import { Clock } from '#libs/clock';
import { createLogger, keptOffset } from '#libs/host';
import { agentSettings } from './agent.config.js';
import { createCardAgent, listenOnLoopback } from './app.js';

const { port, logLevel, clockFile, ...settings } = agentSettings(process.env, process.argv.slice(2));
const log = createLogger(logLevel).child({ service: 'card-agent' });
const clock = new Clock();
const setClock = clockFile ? { beforeRequest: () => clock.set(keptOffset(clockFile) ?? 0) } : {};
const agent = await listenOnLoopback(await createCardAgent({ ...settings, ...setClock, log, clock }), port);
log.info(
  { port: agent.port, virtual: settings.virtualCardsDir !== undefined, pairing: settings.pairing },
  'the card agent listens on loopback',
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void agent.close());
