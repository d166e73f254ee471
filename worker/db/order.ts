import { sql, type SQL, type SQLWrapper } from 'drizzle-orm';

// What lists are ordered by where the column alone would not do. The tables have indexes of exactly these expressions. They are without a
// comma, which would end an index's expression for drizzle-kit.

/** The earliest moment there is: before it, nothing. */
export const FIRST = -8_640_000_000_000_000;

/** The column, and where it is empty what comes before everything else. */
export const emptyFirst = (column: SQLWrapper): SQL =>
	sql`case when ${column} is null then ${sql.raw(String(FIRST))} else ${column} end`;

/** The place of the column's word among these. */
export const rankAmong = (column: SQLWrapper, words: readonly string[]): SQL =>
	sql`case ${column} ${sql.raw(words.map((word, rank) => `when '${word}' then ${String(rank)}`).join(' '))} end`;
