import { type Placeholder, sql, type SQL } from 'drizzle-orm';

// SQLite plans a statement with the values of its parameters where it can make use of them, and then plans it anew each time they are bound.
// What is asked at every request is kept from it: of a list that took a fifth of all the time.

/** A limit, as a number in the statement. */
export const literal = (limit: number): Placeholder => limitOf(sql.raw(String(limit)));

/** A limit that SQLite works out by itself. */
export const limitOf = (limit: SQL): Placeholder => ({ name: 'limit', protected: limit, getSQL: () => limit });

/** A parameter whose value the plan does not depend on. */
export const bound = (value: number | string): SQL => sql`+${value}`;
