import type { DataSource } from 'typeorm';
import type { KaikaEvent } from '../../events/src/index.js';

/** What is one card's (or a few cards') of all that a service holds: rows of each table, the card's own names taken out. */
export type Stored = Record<string, unknown[]>;

/** Whose rows are looked for: everything that is named in these events is theirs. */
export interface Owner {
  readonly cardNumbers: readonly string[];
  readonly happened: readonly KaikaEvent[];
}

/** Tables or `table.column`s that are left out, each with the reason. */
export type LeftOut = Record<string, string>;

const TOKEN = /[0-9A-Za-z][0-9A-Za-z-]{9,}/g;

/**
 * Every row of every table of the service, by the owner whose card, event, serial or activation it names; those names are
 * replaced by what they are, so that two owners with the same history hold the same.
 */
export async function everythingStored(
  source: DataSource,
  owners: readonly Owner[],
  leftOut: LeftOut = {},
): Promise<Stored[]> {
  const names = new Map<string, { owner: number; alias: string }>();
  for (const [owner, { cardNumbers, happened }] of owners.entries()) {
    for (const [nth, name] of namesIn(cardNumbers, happened).entries()) names.set(name, { owner, alias: `<${nth}>` });
  }
  const stored: Stored[] = owners.map(() => ({}));
  const tables = await source.query<{ name: string }[]>(
    `select table_name as name from information_schema.tables
     where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1`,
  );
  for (const { name: table } of tables.filter(({ name }) => !(name in leftOut) && name !== 'migration')) {
    const columns = Object.keys(leftOut).flatMap((key) => (key.startsWith(`${table}.`) ? [key.split('.')[1]!] : []));
    const rows = await source.query<{ text: string }[]>(
      `select (to_jsonb(t) - $1::text[])::text as text from "${table}" t`,
      [columns],
    );
    for (const { text } of rows) {
      const owner = (text.match(TOKEN) ?? []).map((token) => names.get(token)?.owner).find((one) => one !== undefined);
      if (owner === undefined) continue;
      const row = text.replace(TOKEN, (token) => names.get(token)?.alias ?? token);
      (stored[owner]![table] ??= []).push(JSON.parse(row));
    }
  }
  for (const one of stored) {
    for (const rows of Object.values(one)) rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  return stored;
}

/** In the order in which the history names them, so that the same place has the same alias. */
function namesIn(cardNumbers: readonly string[], happened: readonly KaikaEvent[]): string[] {
  const named = happened.flatMap(({ id, data }) => {
    const { serials, activation, request, cardUuid, epoch } = data as {
      serials?: { signature: string; encryption: string };
      activation?: string;
      request?: string;
      cardUuid?: string;
      epoch?: string;
    };
    return [id, serials?.signature, serials?.encryption, activation, request, cardUuid, epoch];
  });
  return [...new Set([...cardNumbers, ...named.filter((name) => name !== undefined)])];
}
