import { and, eq, getTableName, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { z } from 'zod';
import type { ImportProgress } from '#domain/archive.ts';
import { conflict, DomainError, invalid } from '#domain/errors.ts';
import { type FirstAdmin, User } from '#domain/user.ts';
import { identities, import_chunks, imports, sessions, users } from '../../db/client.ts';
import { commit, LostRace } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import type { Passwords } from '../session/passwords.ts';
import { newSession, type Session } from '../session/session.ts';
import { checkRows } from './check-rows.ts';
import { rowsOf, waiting } from './chunks.ts';
import { hubIsEmpty, type ImportRow, notEmpty, openImport } from './import-row.ts';
import { KINDS } from './kinds.ts';

/**
 * Makes the rows that wait this hub's own, all in one batch, and signs in who sent them: as the admin of that name in the archive, or
 * as a new one. No password comes with an archive, so without this nobody could enter.
 */
export async function finishImport(
	ctx: Ctx,
	passwords: Passwords,
	token: string,
	admin: z.infer<typeof FirstAdmin>,
	user_agent: string | null,
): Promise<{ user: User; session: Session }> {
	const row = await openImport(ctx, token);
	const { header } = row.progress;
	if (!header || !row.progress.complete)
		throw conflict(
			`The archive is not whole: line ${String(row.next_line)} is missing. It was cut off, or not all of it was sent.`,
		);
	const [[counted], [known], [last]] = await ctx.db.batch([
		ctx.db
			.select({ rows: sql<number>`coalesce(sum(json_array_length(rows)), 0)` })
			.from(import_chunks)
			.where(and(eq(import_chunks.import_id, row.id), sql`kind not like 'Document %'`)),
		ctx.db
			.select({ id: sql<number>`id`, role: sql<string>`role`, is_active: sql<number>`is_active` })
			.from(waiting(row.id, 'User', ['id', 'username', 'role', 'is_active']))
			.where(sql`username = ${admin.username}`),
		ctx.db.select({ id: sql<number>`coalesce(max(id), 0)` }).from(waiting(row.id, 'User', ['id'])),
	]);
	if (counted?.rows !== row.progress.rows)
		throw conflict('Lines of this import were sent by two at the same time. Begin it again.');
	if (known && (known.role !== 'admin' || known.is_active !== 1))
		throw invalid('username', 'is in the archive, but not as an active admin: choose an admin of it, or a new name');
	await checkRows(ctx, row.id);

	const user_id = known?.id ?? Math.max(last?.id ?? 0, header.last_ids.User ?? 0) + 1;
	const password_hash = await passwords.hash(admin.password);
	const { session, row: sessionRow } = await newSession(ctx, user_id, user_agent);
	const stamps = created(ctx);
	const now = stamps.created_at;
	const { username, display_name = null, locale } = admin;
	const fresh = { id: user_id, username, display_name, locale, role: 'admin' as const, last_login_at: now, ...stamps };
	try {
		await commit(
			ctx,
			{ kind: 'system' },
			{
				expect: [
					sql`${hubIsEmpty}`,
					sql`exists (select 1 from imports where id = ${row.id} and next_line = ${row.next_line} and done_at is null)`,
				],
				statements: [
					...KINDS.map((kind) => ctx.db.insert(kind.table).select(rowsOf(row.id, kind))),
					...countersOf(ctx, row.progress),
					...(known ? [] : [ctx.db.insert(users).values(fresh)]),
					ctx.db.insert(identities).values({
						user_id,
						provider: 'credential',
						subject: String(user_id),
						password_hash,
						...stamps,
					}),
					ctx.db.insert(sessions).values(sessionRow),
					ctx.db.update(imports).set({ done_at: now, updated_at: now }).where(eq(imports.id, row.id)),
				],
				audit: [
					{
						action: 'hub.import',
						object_type: 'User',
						object_id: user_id,
						project_id: null,
						metadata: {
							hub_version: header.hub_version,
							exported_at: header.exported_at,
							lines: row.next_line - 1,
							admin: known ? 'of the archive' : 'new',
							...(await historyOf(ctx, row)),
						},
					},
				],
			},
		);
	} catch (error) {
		throw refusal(error);
	}
	// What waited is the hub's now; what cannot be removed at once, the hub's tidying removes.
	ctx.after(Promise.resolve(ctx.db.delete(import_chunks).where(eq(import_chunks.import_id, row.id))));
	const found = await ctx.db.select().from(users).where(eq(users.id, user_id));
	return { user: User.parse(one(found, 'user')), session };
}

/** Up to which audit row the history is that of the archive, and the link this hub's own chain goes on from. */
async function historyOf(ctx: Ctx, { id }: ImportRow) {
	const [[logs], [seal]] = await ctx.db.batch([
		ctx.db.select({ id: sql<number | null>`max(id)` }).from(waiting(id, 'AuditLog', ['id'])),
		ctx.db
			.select({ hash: sql<string>`hash` })
			.from(waiting(id, 'AuditSeal', ['audit_id', 'hash']))
			.orderBy(sql`audit_id desc`)
			.limit(1),
	]);
	return { audit_through: logs?.id ?? null, audit_head: seal?.hash ?? null };
}

/** Where SQLite keeps the greatest number each table has given. */
const counters = sqliteTable('sqlite_sequence', { name: text().notNull(), seq: integer().notNull() });

/** No number that was ever given is given again: what the audit tells of a row that is gone must not fit another one. */
const countersOf = (ctx: Ctx, { header }: ImportProgress) =>
	KINDS.flatMap(({ kind, table, ascends }) => {
		const last = header?.last_ids[kind];
		if (ascends !== 'id' || last === undefined) return [];
		const name = getTableName(table);
		return [
			// Without a row yet a table has no counter.
			ctx.db
				.insert(counters)
				.select(sql`select ${name}, 0 where not exists (select 1 from ${counters} where name = ${name})`),
			ctx.db
				.update(counters)
				// D1 binds every number as a real one, and this must be a whole one.
				.set({ seq: sql`max(seq, cast(${last} as integer))` })
				.where(eq(counters.name, name)),
		];
	});

function refusal(error: unknown): unknown {
	if (error instanceof LostRace) return notEmpty();
	const text =
		error instanceof Error ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}` : '';
	// The tables have the last word, should the questions before have missed something.
	if (error instanceof DomainError || /constraint failed/i.test(text))
		return new DomainError('invalid', 'The rows of the archive do not fit together, so nothing of it was taken.', {
			...(error instanceof DomainError && error.details),
		});
	return error;
}
