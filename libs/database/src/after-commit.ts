import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

type Pending = WeakMap<QueryRunner, (() => void)[]>;

const pendingOf = new WeakMap<DataSource, Pending>();

/** Calls `work` once this transaction has committed, in this process; never when it is rolled back. Best effort. */
export function afterCommit(tx: EntityManager, work: () => void): void {
  const { queryRunner } = tx;
  if (!queryRunner?.isTransactionActive) throw new Error('afterCommit works inside a transaction only');
  const pending = pendingOf.get(tx.dataSource) ?? subscribe(tx.dataSource);
  pending.set(queryRunner, [...(pending.get(queryRunner) ?? []), work]);
}

function subscribe(source: DataSource): Pending {
  const pending: Pending = new WeakMap();
  source.subscribers.push({
    afterTransactionCommit: ({ queryRunner }) => {
      if (queryRunner.isTransactionActive) return; // only a savepoint was released
      const works = pending.get(queryRunner) ?? [];
      pending.delete(queryRunner);
      for (const work of works) work();
    },
    afterTransactionRollback: ({ queryRunner }) => {
      if (!queryRunner.isTransactionActive) pending.delete(queryRunner);
    },
  });
  pendingOf.set(source, pending);
  return pending;
}
