import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { sleep } from '#libs/clock';
import { databaseServerAnswers, type PartSurroundings, type RunningPart, START } from './parts.js';
import { identify } from './process-identity.js';
import { holdFolder } from './stack-folder.js';
import { newStack, PART_NAMES, type PartName, type PartState, type StackState, writeStack } from './stack-file.js';
import { type StackPorts } from './stack-ports.js';

export interface StackOptions {
  /** Everything the stack keeps; made when missing. */
  dir: string;
  ports?: Partial<StackPorts>;
  log?: (line: string) => void;
  /** Use this server instead of starting PostgreSQL. */
  databaseUrl?: string;
  postgresSettings?: Record<string, string>;
}

export interface Supervision {
  /** As in stack.json. */
  readonly stack: StackState;
  /** Resolves when each part runs or has failed for the first time. */
  firstRound: Promise<void>;
  /** Stops all parts cleanly and leaves the folder. */
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Keeps PostgreSQL, Redis and Kafka running on one folder: a part that ends by itself is started again after a second,
 * one that can't be started is tried again with growing pauses. `stack.json` always tells the state. The parts end with
 * this process, however it ends.
 *
 * @throws Error when another process uses the folder
 */
export function supervise(options: StackOptions): Supervision {
  const dir = resolve(options.dir);
  const log = options.log ?? (() => {});
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const leave = holdFolder(dir);
  const stack = newStack('processes', identify(process.pid)!);
  const stopping = new AbortController();
  const { ports = {}, postgresSettings = {} } = options;
  const around: PartSurroundings = { dir, ports, log, postgresSettings };

  const tell = <N extends PartName>(name: N, change: Partial<StackState['parts'][N]>) => {
    Object.assign(stack.parts[name], change);
    writeStack(dir, stack);
  };
  const parts = PART_NAMES.map((name) =>
    name === 'postgres' && options.databaseUrl
      ? lookAtDatabase(options.databaseUrl, (change) => tell(name, change))
      : keepRunning(name, around, stopping.signal, (change) => tell(name, change)),
  );
  writeStack(dir, stack);
  return {
    stack,
    firstRound: Promise.all(parts.map(({ tried }) => tried)).then(() => {}),
    async stop() {
      stopping.abort();
      await Promise.all(parts.map(({ ended }) => ended));
      writeStack(dir, { ...stack, supervisor: null });
      leave();
    },
  };
}

/** The same with a promise: all parts run. @throws Error naming the parts that don't; nothing is left running then */
export async function startStack(options: StackOptions): Promise<Supervision> {
  const supervision = supervise(options);
  await supervision.firstRound;
  const problems = problemsOf(supervision.stack);
  if (problems.length > 0) {
    await supervision.stop();
    throw new Error(`the stack in ${options.dir} did not start:\n${problems.join('\n')}`);
  }
  return supervision;
}

export const problemsOf = ({ parts }: StackState): string[] =>
  PART_NAMES.flatMap((name) => (parts[name].problem ? [`${name}: ${parts[name].problem}`] : []));

interface Kept {
  tried: Promise<void>;
  /** After an abort: the part has been stopped. */
  ended: Promise<void>;
}

function keepRunning(
  name: PartName,
  around: PartSurroundings,
  stopping: AbortSignal,
  tell: (change: Partial<PartState>) => void,
): Kept {
  const log = (line: string) => around.log(`${name}: ${line}`);
  let haveTried = () => {};
  const tried = new Promise<void>((done) => (haveTried = done));
  const ended = (async () => {
    let pauseMs = FIRST_PAUSE_MS;
    for (let restarts = 0; !stopping.aborted;) {
      tell({ state: 'starting', process: null });
      const part: RunningPart | undefined = await START[name]({ ...around, log }).catch((error: Error) => {
        log(error.message);
        tell({ state: 'failed', problem: error.message });
        return undefined;
      });
      if (part) {
        tell({ ...part.found, state: 'running', problem: null, restarts });
        log(`running at ${part.found.address}`);
        pauseMs = FIRST_PAUSE_MS;
      }
      haveTried();
      if (part && (await endedOrStopping(part, stopping)) === 'stopping') await part.stop();
      else if (part) {
        restarts++;
        log('ended by itself; it is started again');
        tell({ state: 'starting', process: null, restarts });
      }
      await sleep(pauseMs, stopping);
      if (!part) pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
    tell({ state: 'stopped', process: null });
    log('stopped');
    haveTried();
  })();
  return { tried, ended };
}

async function endedOrStopping({ ended }: RunningPart, stopping: AbortSignal): Promise<'ended' | 'stopping'> {
  if (stopping.aborted) return 'stopping';
  return await new Promise((done) => {
    stopping.addEventListener('abort', () => done('stopping'), { once: true });
    void ended.then(() => done('ended'));
  });
}

/** A server that is not ours is asked once: it is nobody's to restart here. */
function lookAtDatabase(url: string, tell: (change: Partial<PartState>) => void): Kept {
  const { hostname, port } = new URL(url);
  tell({ state: 'external', address: `${hostname}:${port || 5432}` });
  const tried = databaseServerAnswers(url).then((ok) => {
    if (!ok) tell({ problem: 'the server of DATABASE_URL does not answer' });
  });
  return { tried, ended: tried };
}
