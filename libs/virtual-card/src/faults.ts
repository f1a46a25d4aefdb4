import { sleep } from '#libs/clock';
import { CaError } from '#libs/errors';
import { type CardConnection } from '#libs/piv';

/** Which APDU of a session: the n-th, from 1, every link and GET RESPONSE counted; or each one with this INS. */
export type FaultAt = { nth: number } | { ins: number };

export type Fault = { at: FaultAt } & (
  | {
      /** Taken out before the card heard the command, or when it had done it and before its answer. */ pull:
        'before' | 'after';
    }
  | { slowMs: number }
  | {
      /** The card does nothing and this comes back: a 6Cxx that leads nowhere, noise, a frame cut short. */ answers: Uint8Array;
    }
  | { /** The card has done it, and its answer comes back changed. */ garbles: (answer: Buffer) => Uint8Array }
);

/** A card that can be taken out (`VirtualCard`); others are just left alone. */
type Pullable = CardConnection & { pull?(): Promise<void> };

/** The same card in a reader where these things happen, each as often as its APDU comes. */
export function withFaults(card: Pullable, faults: readonly Fault[]): CardConnection & { readonly apdus: number } {
  let apdus = 0;
  let out = false;
  const pull = async (): Promise<never> => {
    out = true;
    await (card.pull ?? card.close).call(card);
    throw removed();
  };
  const transmit = async (apdu: Uint8Array): Promise<Buffer> => {
    if (out) throw removed();
    const nth = ++apdus;
    const here = faults.filter(({ at }) => ('nth' in at ? at.nth === nth : at.ins === apdu[1]));
    for (const fault of here) if ('slowMs' in fault) await sleep(fault.slowMs);
    if (here.some((fault) => 'pull' in fault && fault.pull === 'before')) await pull();
    const instead = here.find((fault) => 'answers' in fault);
    if (instead && 'answers' in instead) return Buffer.from(instead.answers);
    let answer = await card.transmit(apdu);
    if (here.some((fault) => 'pull' in fault)) await pull();
    for (const fault of here) if ('garbles' in fault) answer = Buffer.from(fault.garbles(answer));
    return answer;
  };
  return {
    transmit,
    close: () => card.close(),
    get apdus() {
      return apdus;
    },
  };
}

const removed = () => new CaError('cardRemoved', 'the card was taken out');
