import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Pepper } from '#libs/credentials';
import { Idempotency, type Answer } from '#libs/idempotency';

/** Who commands, and the client's own name for the command. */
export interface Order {
  readonly cardNumber: string;
  /** Subject of the officer. */
  readonly by: string;
  /** Idempotency-Key */
  readonly key?: string | undefined;
}

/** One transaction, one effect and one answer for each command of an officer. */
@Injectable()
export class OfficerCommands {
  constructor(
    private readonly source: DataSource,
    private readonly idempotency: Idempotency,
    private readonly pepper: Pepper,
  ) {}

  /** @throws CaError idempotencyKeyReused; what `command` throws */
  run<T extends Answer>(
    path: string,
    { cardNumber, by, key }: Order,
    body: object,
    command: (tx: EntityManager) => Promise<T>,
  ): Promise<T> {
    return this.source.transaction((tx) => {
      if (key === undefined) return command(tx);
      const endpoint = `POST /cards/{n}/${path} ${by}`;
      const requestHash = this.pepper.secretHash({ cardNumber, ...body });
      return this.idempotency.run(tx, { key, endpoint, requestHash }, () => command(tx));
    });
  }
}
