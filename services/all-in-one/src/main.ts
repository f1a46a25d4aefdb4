import { ConfigError } from '#libs/config';
import { createLogger } from '#libs/host';
import { readAllInOneConfig } from './all-in-one.config.js';
import { startInstance, type Instance } from './instance.js';
import { sampleCard, whatToTry } from './sample-card.js';

const began = performance.now();
const progress = (line: string) =>
  console.log(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${line}`);

let stopping = false;
let instance: Instance | undefined;

async function stop(signal: string): Promise<void> {
  if (stopping) process.exit(1); // a second Ctrl-C: at once; the database recovers by itself
  stopping = true;
  console.log(`\n${signal}: stopping`);
  await instance?.stop();
  console.log('Stopped. Nothing is lost: npm start goes on where this ended.');
  process.exit(0);
}

/** Nothing in this process takes consuming up again; started anew, it goes on. What is stuck may not let itself be stopped. */
function onStandstill(reason: string): void {
  if (stopping) return;
  stopping = true;
  console.error(`kaika ends: ${reason}`);
  setTimeout(() => process.exit(1), 10_000);
  void instance?.stop().finally(() => process.exit(1));
}

try {
  const config = readAllInOneConfig(process.env);
  const log = createLogger(config.KAIKA_LOG_LEVEL);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal));
  instance = await startInstance(config, process.env, log, progress, onStandstill);
  if (config.KAIKA_THROWAWAY) console.log(`Throw-away instance on ${instance.url}, card agent on ${instance.agentUrl}`);
  else console.log(whatToTry(instance, await sampleCard(instance, config.DATA_DIR, progress)));
} catch (error) {
  if (!stopping) {
    console.error(error instanceof ConfigError ? error.message : describe(error));
    await instance?.stop();
    process.exit(1);
  }
}

/** The chain of what was being done, for a person; the whole error with KAIKA_LOG_LEVEL=debug. */
function describe(error: unknown): string {
  const lines: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) lines.push(at.message);
  const detail = process.env['KAIKA_LOG_LEVEL'] === 'debug' && error instanceof Error ? `\n${error.stack}` : '';
  return `kaika could not start: ${lines.join(': ') || String(error)}${detail}`;
}
