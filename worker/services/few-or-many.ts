import { type Placeholder, sql, type SQL, type SQLWrapper } from 'drizzle-orm';
import { limitOf } from '../db/planned.ts';

/** More rows than these are not sorted for a page. */
const FEW = 2_000;
/** What an index of three letters at a time can look up. */
const LETTERS_MIN = 3;

/** The rows whose texts hold this one, by an index of three letters at a time; null for a text that is shorter. */
export const lettersIn = (index: 'jobs_text' | 'audit_text', text: string | undefined): SQL | null => {
	if (text === undefined || [...text].length < LETTERS_MIN) return null;
	const table = sql.identifier(index);
	return sql`select rowid from ${table} where ${table} match ${`"${text.replaceAll('"', '""')}"`}`;
};

/**
 * Rows of which an index knows the ids, in one of two ways, of which the other gives nothing. Where there are few, they are looked up and sorted.
 * Where there are many, they would be too many, and a page of them is soon met by reading the rows in their order.
 */
export function fewOrMany(ids: SQL, id: SQLWrapper, most: number): { few: SQL; inOrder: Placeholder } {
	const found = sql`${ids} limit ${FEW + 1}`;
	const many = sql`(select count(*) > ${FEW} from (${found}))`;
	return {
		few: sql`not ${many} and ${id} in (${found})`,
		inOrder: limitOf(sql`(select case when ${many} then ${most} else 0 end)`),
	};
}
