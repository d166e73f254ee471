import { and, eq, isNotNull, sql, type SQL } from 'drizzle-orm';
import type { ImportProgress, ImportState } from '#domain/archive.ts';
import { conflict, notFound } from '#domain/errors.ts';
import { imports } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { KINDS } from './kinds.ts';

export type ImportRow = typeof imports.$inferSelect;

/** Nothing is here that an archive could meet: no row of any table it brings. */
export const hubIsEmpty: SQL = sql.join(
	KINDS.map(({ table }) => sql`not exists (select 1 from ${table})`),
	sql` and `,
);

export const notEmpty = () =>
	conflict(
		'An archive goes into an empty hub only, before its first admin is made. This one has its people or its history.',
	);

/** The import these lines belong to, in a hub that is still empty. */
export async function openImport(ctx: Ctx, token: string): Promise<ImportRow> {
	const [[row], [hub]] = await ctx.db.batch([
		ctx.db.select().from(imports).where(eq(imports.token, token)),
		ctx.db.select({ empty: sql<number>`${hubIsEmpty}` }).from(sql`(select 1)`),
	]);
	if (!row) throw notFound('import');
	if (row.done_at !== null || hub?.empty !== 1) throw notEmpty();
	return row;
}

export const readImport = async (ctx: Ctx, token: string): Promise<ImportState> =>
	stateOf(await openImport(ctx, token));

export const stateOf = ({
	token,
	next_line,
	progress,
}: Pick<ImportRow, 'token' | 'next_line' | 'progress'>): ImportState => ({
	id: token,
	next_line,
	complete: progress.complete,
});

export const atStart: ImportProgress = {
	header: null,
	kind: 0,
	last_id: 0,
	rows: 0,
	document: null,
	log: null,
	complete: false,
};

/** Whether the rows of an import are this hub's: before that, nothing it left anywhere means anything. */
export async function importIsDone(ctx: Ctx, id: number): Promise<boolean> {
	const found = await ctx.db
		.select({ id: imports.id })
		.from(imports)
		.where(and(eq(imports.id, id), isNotNull(imports.done_at)));
	return found.length > 0;
}
