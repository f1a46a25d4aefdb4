import { Client } from 'pg';

/** Tables by what must not go back in them: the column `generation`, and the column `kind` once it says `revoked`. */
export interface Onward {
  generations: string;
  statuses?: string;
}

/** At no moment, not even between two events: an event that would do it is dead-lettered, which the test of a history sees. */
export async function neverBack(ownerUrl: string, { generations, statuses }: Onward): Promise<void> {
  const owner = new Client({ connectionString: ownerUrl });
  await owner.connect();
  try {
    await refuse(owner, generations, 'new.generation < old.generation', 'an older generation came back');
    if (statuses) await refuse(owner, statuses, `old.kind = 'revoked' and new.kind <> 'revoked'`, 'revoked is final');
  } finally {
    await owner.end();
  }
}

async function refuse(owner: Client, table: string, condition: string, why: string): Promise<void> {
  await owner.query(`
    create function never_back_${table}() returns trigger language plpgsql as $$ begin
      if ${condition} then raise '${why}'; end if;
      return new; end $$;
    create trigger never_back before update on ${table} for each row execute function never_back_${table}()`);
}
