import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { type DualControl, type DualControlRequest, type RequestPage, type TwoPersonAct } from '#libs/dual-control';
import type { DeadLetters, ReplayResult } from './dead-letters.js';

const parameters = z.object({
  letter: z.string(),
  topic: z.string(),
  key: z.string(),
  type: z.string().nullable(),
  ground: z.string(),
});

const DISCARD = {
  kind: 'dead-letter-discard',
  parameters,
  result: z.object({ discarded: z.literal(true) }),
} satisfies TwoPersonAct;

export type DiscardRequest = DualControlRequest<z.output<typeof parameters>>;

/** Dead letters given up by two persons: the event has no effect here, ever. */
export class Discards {
  constructor(
    private readonly source: DataSource,
    private readonly letters: DeadLetters,
    private readonly control: DualControl,
  ) {}

  /** @throws CaError notFound */
  async request(id: string, { ground, by }: { ground: string; by: string }): Promise<DiscardRequest> {
    const { topic, key, type } = await this.letters.read(id);
    return this.source.transaction((tx) =>
      this.control.request(tx, DISCARD, { about: id, parameters: { letter: id, topic, key, type, ground }, by }),
    );
  }

  /** Discards the letter, then lets go on what waited behind it. @throws CaError, those of `DualControl.approve`; conflict */
  async approve(request: string, by: string): Promise<DiscardRequest & { replay: ReplayResult }> {
    const done = await this.source.transaction((tx) =>
      this.control.approve(tx, DISCARD, { id: request, by }, async ({ parameters: { letter }, requestedBy }) => {
        await this.letters.discard(tx, letter, `${requestedBy}, ${by}`);
        return { discarded: true } as const;
      }),
    );
    return { ...done, replay: await this.letters.replay(done.parameters.letter, by) };
  }

  /** @throws CaError, those of `DualControl.reject` */
  reject(request: string, { ground, by }: { ground: string; by: string }): Promise<DiscardRequest> {
    return this.source.transaction((tx) => this.control.reject(tx, DISCARD, { id: request, ground, by }));
  }

  list(page: RequestPage): Promise<DiscardRequest[]> {
    return this.control.list(this.source.manager, DISCARD, page);
  }
}
