import type { DataSource } from 'typeorm';
import { cardColumns, certificateColumns, type IssuedCard, put } from '../read-model.js';

/** Issued cards above a number, in order; `next` is the last of them when there are more. */
export type FetchIssued = (after: string) => Promise<{ items: IssuedCard[]; next: string | null }>;

type Queries = Pick<DataSource, 'query'>;

/**
 * Makes cards and certificates equal to the issuer's, page by page and in place: each is right before and after. What the
 * issuer does not know is removed.
 */
export async function rebuildCards(source: DataSource, fetchIssued: FetchIssued): Promise<void> {
  for (let after: string | null = ''; after !== null;) {
    const page = await fetchIssued(after);
    await source.transaction(async (tx) => {
      await put(tx, 'card', page.items.map(cardColumns), 'card_number', true);
      await put(tx, 'certificate', page.items.flatMap(certificateColumns), 'serial', true);
      await tx.query('delete from certificate where card_number = any($1) and serial <> all($2)', [
        page.items.map(({ cardNumber }) => cardNumber),
        page.items.flatMap(({ serials }) => Object.values(serials)),
      ]);
    });
    await removeUnknown(source, after, page, fetchIssued);
    after = page.next;
  }
}

/**
 * A card in this range that is not on the page may have been issued after the issuer answered. It is known here, so it
 * was issued by now: if the issuer, asked again, still doesn't name it, it never was.
 */
async function removeUnknown(
  source: DataSource,
  after: string,
  page: Awaited<ReturnType<FetchIssued>>,
  fetchIssued: FetchIssued,
): Promise<void> {
  const suspects = await unnamed(source, after, page);
  if (suspects.length === 0) return;
  const again = await fetchIssued(after);
  const unknown = (await unnamed(source, after, again)).filter((number) => suspects.includes(number));
  await source.transaction(async (tx) => {
    await tx.query('delete from certificate where card_number = any($1)', [unknown]);
    await tx.query('delete from card where card_number = any($1)', [unknown]);
  });
}

/** Cards here in the page's range that it does not name. */
async function unnamed(
  source: Queries,
  after: string,
  { items, next }: Awaited<ReturnType<FetchIssued>>,
): Promise<string[]> {
  const rows = await source.query<{ card_number: string }[]>(
    `select card_number from card
     where card_number > $1 and ($2::text is null or card_number <= $2) and card_number <> all($3)`,
    [after, next, items.map(({ cardNumber }) => cardNumber)],
  );
  return rows.map((row) => row.card_number);
}
