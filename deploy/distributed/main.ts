import { ConfigError } from '#libs/config';
import { sampleCard, whatToTry } from '../../services/all-in-one/src/sample-card.js';
import { readDistributedConfig } from './distributed.config.js';
import { type DistributedInstance, startDistributed } from './instance.js';
import { accessStack } from './stack-access.js';

const began = performance.now();
const progress = (line: string) =>
  console.log(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${line}`);

let stopping = false;
let instance: DistributedInstance | undefined;

async function stop(signal: string): Promise<void> {
  if (stopping) process.exit(1); // a second Ctrl-C: at once; the programs die with this one
  stopping = true;
  console.log(`\n${signal}: stopping`);
  await instance?.stop();
  console.log('Stopped. The stack is still up: npm run stack -- status');
  process.exit(0);
}

try {
  const config = readDistributedConfig(process.env);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal));
  const stack = await accessStack(config.KAIKA_STACK_DIR, progress);
  instance = await startDistributed(config, stack, process.env, progress);
  if (config.KAIKA_THROWAWAY) console.log(`Throw-away instance on ${instance.url}, card agent on ${instance.agentUrl}`);
  else console.log(whatToTry(instance, await sampleCard(instance, config.DATA_DIR, progress)));
} catch (error) {
  if (!stopping) {
    const lines = [];
    for (let at: unknown = error; at instanceof Error; at = at.cause) lines.push(at.message);
    console.error(error instanceof ConfigError ? error.message : `kaika could not start: ${lines.join(': ')}`);
    await instance?.stop();
    process.exit(1);
  }
}
