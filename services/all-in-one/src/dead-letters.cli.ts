import type { DeadLetter, ReplayResult } from '#libs/messaging';
import type { RunningInstance } from './running-instance.js';

/** Services that receive events. */
const SERVICES = ['issuance', 'acceptance', 'suspension', 'crl-publisher', 'status-query'];

type Letter = Omit<DeadLetter, 'createdAt'> & { createdAt: string };

/** Prints the open dead letters of one service, or of all. */
export async function listDeadLetters(instance: RunningInstance, service?: string): Promise<number> {
  for (const name of service ? [known(service)] : SERVICES) {
    for (let after = '0'; ;) {
      const path = `/${name}/dead-letters?limit=200&after=${after}`;
      const { items } = await instance.ask<{ items: Letter[] }>('chen', 'GET', path);
      for (const letter of items) console.log(lineOf(name, letter));
      if (items.length < 200) break;
      after = items.at(-1)!.id;
    }
  }
  return 0;
}

/** Tries the open letters of a letter's key again. @returns 1 when one failed again */
export async function replayDeadLetter(instance: RunningInstance, service: string, id: string): Promise<number> {
  const path = `/${known(service)}/dead-letters/${encodeURIComponent(id)}/replay`;
  const { replayed, freed, failed } = await instance.ask<ReplayResult>('chen', 'POST', path);
  console.log(`${replayed} replayed; the key is ${freed ? 'free' : 'still parked'}`);
  if (failed) console.log(`letter ${failed.id} failed again: ${failed.reason}`);
  return freed ? 0 : 1;
}

function lineOf(service: string, { id, state, topic, type, key, attempts, createdAt, reason }: Letter): string {
  const why = state === 'waiting' ? 'waits behind the dead letter of its key' : `${attempts} attempts: ${reason}`;
  return `${service} ${id} ${createdAt} ${topic} ${type ?? '(not readable)'} ${key} ${why}`;
}

function known(service: string): string {
  if (!SERVICES.includes(service)) throw new Error(`no service ${service} receives events: ${SERVICES.join(', ')}`);
  return service;
}
