import { and, desc, eq, sql, type SQL } from 'drizzle-orm';
import type { AnySQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { z } from 'zod';
import { conflict, DomainError, notFound } from '#domain/errors.ts';
import type { Action } from '#domain/permissions.ts';
import { audit_logs } from '../db/client.ts';
import type { AuditEntry } from './commit.ts';
import type { Ctx } from './context.ts';

type Editable = SQLiteTable & { id: AnySQLiteColumn; version: AnySQLiteColumn };

/** Still the very version that was read: for `expect`, and for the update's own `where`. */
export const unchanged = (table: Editable, row: { id: number; version: number }): SQL =>
	sql`exists (select 1 from ${table} where ${table.id} = ${row.id} and ${table.version} = ${row.version})`;

/** The columns every edit sets beside its own. */
export const edited = (ctx: Ctx, row: { version: number }) => ({
	version: row.version + 1,
	updated_at: new Date(ctx.now()).toISOString(),
});

/** Stamps of a new row. */
export function created(ctx: Ctx) {
	const now = new Date(ctx.now()).toISOString();
	return { created_at: now, updated_at: now };
}

/** What an edit's audit row says: the version it made, and each field before and after. */
export const EditMetadata = z.object({
	version: z.int(),
	changes: z.record(z.string(), z.object({ from: z.unknown(), to: z.unknown() })),
});

/** A patch without the fields that were left out. */
export const defined = <P extends object>(patch: P): { [K in keyof P]?: Exclude<P[K], undefined> } =>
	Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as {
		[K in keyof P]?: Exclude<P[K], undefined>;
	};

/** The audit row of an edit. */
export const editEntry = (
	action: Action,
	object_type: string,
	row: { id: number; version: number },
	project_id: number | null,
	changes: Changes,
): AuditEntry => ({
	action,
	object_type,
	object_id: row.id,
	project_id,
	metadata: { version: row.version + 1, changes } satisfies z.infer<typeof EditMetadata>,
});

export type Changes = Record<string, { from: unknown; to: unknown }>;
export const isEmpty = (changes: Changes): boolean => Object.keys(changes).length === 0;

/** The fields of `patch` that differ from `row`, before and after. Empty: the edit changes nothing. */
export function changesOf<R extends object>(row: R, patch: { [K in keyof R]?: R[K] | undefined }): Changes {
	const changes: Changes = {};
	for (const [field, to] of Object.entries(patch)) {
		const from: unknown = Reflect.get(row, field);
		if (to !== undefined && JSON.stringify(from) !== JSON.stringify(to)) changes[field] = { from, to };
	}
	return changes;
}

/** Throws `stale`, with the row as it is and who changed which fields since, when `version` is not the row's. */
export async function assertFresh(
	ctx: Ctx,
	object_type: string,
	row: { id: number; version: number; updated_at: string; status?: string },
	version: number,
): Promise<void> {
	if (row.version === version) return;
	const entries = await ctx.db
		.select({ by_id: audit_logs.user_id, at: audit_logs.timestamp, metadata: audit_logs.metadata })
		.from(audit_logs)
		.where(and(eq(audit_logs.object_type, object_type), eq(audit_logs.object_id, row.id)))
		.orderBy(desc(audit_logs.id))
		.limit(100);
	const edits = entries.flatMap(({ metadata, ...entry }) => {
		const edit = EditMetadata.safeParse(metadata);
		return edit.success && edit.data.version > version ? [{ ...entry, fields: Object.keys(edit.data.changes) }] : [];
	});
	const changed = edits.flatMap(({ fields, by_id, at }) => fields.map((field) => ({ field, by_id, at })));
	// A status that follows others (a job's runs, an agent's link) moves without an edit.
	if (row.status !== undefined && edits.length < row.version - version)
		changed.push({ field: 'status', by_id: null, at: row.updated_at });
	throw new DomainError('stale', 'It has changed since you read it.', { current: row, changed });
}

/** An archived project is read-only. */
export function assertWritable(project: { status: string } | null): void {
	if (project?.status === 'archived') throw conflict('The project is archived: it is read-only.');
}

/** The project is still not archived: for `expect`. */
export const writable = (project_id: number): SQL =>
	sql`exists (select 1 from projects where id = ${project_id} and status <> 'archived')`;

/** The only row there can be. Throws `not_found`. */
export function one<R>(rows: readonly R[], what: string): R {
	const [row] = rows;
	if (row === undefined) throw notFound(what);
	return row;
}
