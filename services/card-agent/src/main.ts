import { systemClock } from '#libs/clock';
import { createLogger } from '#libs/host';
import { agentSettings } from './agent.config.js';
import { createCardAgent, listenOnLoopback } from './app.js';

const { port, logLevel, ...settings } = agentSettings(process.env, process.argv.slice(2));
const log = createLogger(logLevel).child({ service: 'card-agent' });
const agent = await listenOnLoopback(await createCardAgent({ ...settings, log, clock: systemClock() }), port);
log.info({ port: agent.port, virtual: settings.virtualCardsDir !== undefined }, 'the card agent listens on loopback');
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void agent.close());
