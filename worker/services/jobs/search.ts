import { type Placeholder, sql, type SQL } from 'drizzle-orm';
import { jobs } from '../../db/client.ts';
import { limitOf } from '../../db/planned.ts';

/** More jobs than these are not sorted for a page. */
const FEW = 2_000;
/** What an index of three letters at a time can look up. */
const LETTERS_MIN = 3;

/**
 * The jobs that hold a text, in one of two ways, of which the other gives nothing. Where few do, the index of their texts finds them and they are sorted.
 * Where many do, it would find too many, and a page of them is soon met by reading the jobs in their order.
 */
export function jobsWith(text: string, most: number): { few: SQL; inOrder: Placeholder } | null {
	if ([...text].length < LETTERS_MIN) return null;
	const found = sql`select rowid from jobs_text where jobs_text match ${`"${text.replaceAll('"', '""')}"`} limit ${FEW + 1}`;
	const many = sql`(select count(*) > ${FEW} from (${found}))`;
	return {
		few: sql`not ${many} and ${jobs.id} in (${found})`,
		inOrder: limitOf(sql`(select case when ${many} then ${most} else 0 end)`),
	};
}
