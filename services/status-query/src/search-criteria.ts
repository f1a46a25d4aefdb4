import { z } from 'zod';
import { cardNumberOrTest, companyName, email, serials, ubn } from '#libs/taiwan';

export const CRITERIA = ['name', 'namePrefix', 'ubn', 'email', 'cardNumber', 'serial'] as const;
export type CriterionName = (typeof CRITERIA)[number];

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

const given = (query: object): CriterionName[] => CRITERIA.filter((name) => name in query);

/** The question of a search: exactly one criterion (DOMAIN.md §4), and where its page begins. */
export const searchQuery = z
  .object({
    name: companyName.optional().describe('the whole registered name'),
    namePrefix: companyName.optional().describe('how the registered name begins; every character stands for itself'),
    ubn: ubn.optional(),
    email: email.optional().describe('the whole address, as it is in the certificates'),
    cardNumber: cardNumberOrTest.optional(),
    serial: serials.optional(),
    after: cardNumberOrTest.optional().describe('`next` of the page before'),
    limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  })
  .superRefine((query, ctx) => {
    const [, second] = given(query);
    if (second) ctx.addIssue({ code: 'custom', path: [second], message: 'give one criterion only' });
    if (given(query).length === 0) ctx.addIssue(`give one of ${CRITERIA.join(', ')}`);
  });
export type SearchQuery = z.output<typeof searchQuery>;

/** How one criterion is asked of the database. Parameters: $1 the limit, $2 the card number the page comes after. */
export interface Condition {
  readonly where: string;
  readonly orderBy: string;
  readonly parameters: readonly unknown[];
}

/** Sorts after every name: a noncharacter, which no name may have. */
const LAST = '\u{10FFFF}';

/**
 * Each condition is one range of one index, in that index's order, so that a page costs the same wherever it is. (With
 * `ubn = $3 … order by card_number` the planner may walk all cards instead, when it takes the value for a common one.)
 * Values are parameters and no pattern is made of them: `%` and `_` are characters like others.
 *
 * @param afterName  `name_key` of the card the page comes after, for `namePrefix`
 */
export function conditionOf(query: SearchQuery, afterName: string | undefined): Condition {
  const [by] = given(query);
  switch (by) {
    case 'name':
      return range('name_key', query.name!, query.name!);
    case 'namePrefix':
      return range('name_key', afterName ?? query.namePrefix!, `${query.namePrefix!}${LAST}`);
    case 'ubn':
      return range('ubn', query.ubn!, query.ubn!);
    case 'email':
      return range('email', query.email!, query.email!);
    case 'cardNumber':
      return oneCard('$3', query.cardNumber);
    case 'serial':
      return oneCard(CARD_OF_SERIALS, query.serial);
    default:
      throw new Error('a search has a criterion');
  }
}

function range(column: string, from: string, to: string): Condition {
  return {
    where: `(${column}, card_number) > ($3, $2) and ${column} <= $4`,
    orderBy: `${column}, card_number`,
    parameters: [from, to],
  };
}

/** All of these serials are one card's; a pair of two cards is nobody's. */
const CARD_OF_SERIALS = `(select min(card_number) from certificate where serial = any($3)
  having min(card_number) = max(card_number) and count(*) = cardinality($3::text[]))`;

function oneCard(number: string, value: unknown): Condition {
  return { where: `card_number = ${number} and card_number > $2`, orderBy: 'card_number', parameters: [value] };
}
