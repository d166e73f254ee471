import { and, asc, eq, getTableName, gt, isNotNull, lte, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { ARCHIVE_FORMAT, archiveLine, type ArchiveQuery } from '#domain/archive.ts';
import { inventories, runs, script_refs, terraform_plans } from '../../db/client.ts';
import { toBase64 } from '../bytes.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { documentKey } from '../documents.ts';
import { enter } from '../gate.ts';
import type { Logs } from '../logs.ts';
import { type Kind, KINDS } from './kinds.ts';
import { logRows } from './log-frames.ts';

/** How much of a document is in one line, in bytes. */
const PIECE = 786_432;

interface Line {
	kind: string;
	row: object;
}

/** The greatest row number of each table when the export began: what is made meanwhile is left out, whatever refers to it too. */
type Marks = Record<string, number | null>;

/**
 * The whole hub but its secrets, as lines. It is audited before the first of them leaves; the rows come from D1 by pages as
 * the reader takes them.
 */
export async function exportArchive(
	ctx: Ctx,
	logs: Logs,
	hub_version: string,
	includes: ArchiveQuery,
): Promise<ReadableStream<Uint8Array>> {
	const greatest = Object.fromEntries(
		KINDS.map(({ kind, table }) => [kind, sql<number | null>`(select max(rowid) from ${table})`.as(kind)]),
	);
	const { actor, rows } = await enter(ctx, 'hub.export', null, [
		ctx.db.select(greatest).from(sql`(select 1)`),
		ctx.db.select({ name: sql<string>`name`, seq: sql<number>`seq` }).from(sql`sqlite_sequence`),
	]);
	const marks: Marks = rows[0][0] ?? {};
	const exported_at = new Date(ctx.now()).toISOString();
	await commit(ctx, actor, {
		statements: [],
		audit: [{ action: 'hub.export', object_type: 'Hub', object_id: null, project_id: null, metadata: includes }],
	});

	const head = archiveLine({
		format: 'uhub-archive',
		format_version: ARCHIVE_FORMAT,
		hub_version,
		exported_at,
		includes,
		last_ids: lastIds(rows[1]),
	});
	return streamOf(head, linesOf(ctx, logs, includes, marks));
}

/** By kind, as far as any was given. */
function lastIds(counters: readonly { name: string; seq: number }[]): Record<string, number> {
	const given = new Map(counters.map(({ name, seq }) => [name, seq]));
	return Object.fromEntries(
		// What is audited meanwhile is told by nobody's archive.
		KINDS.flatMap(({ kind, table }) => {
			const last = kind === 'AuditLog' ? 0 : (given.get(getTableName(table)) ?? 0);
			return last > 0 ? [[kind, last]] : [];
		}),
	);
}

async function* linesOf(ctx: Ctx, logs: Logs, includes: ArchiveQuery, marks: Marks): AsyncGenerator<Line[]> {
	for (const kind of KINDS) yield* rowsOf(ctx, kind, marks[kind.kind] ?? 0);
	if (includes.documents) yield* documentsOf(ctx, marks);
	if (includes.logs) yield* logsOf(ctx, logs, marks.Run ?? 0);
}

async function* rowsOf(ctx: Ctx, of: Kind, mark: number): AsyncGenerator<Line[]> {
	const { kind, table, columns, only, at_once, leave } = of;
	const rowid = sql<number>`${sql.identifier(getTableName(table))}.rowid`;
	for (let after = 0; after < mark;) {
		const rows = await ctx.db
			.select({ row: columns, at: rowid })
			.from(table)
			.where(and(gt(rowid, after), lte(rowid, mark), only))
			.orderBy(asc(rowid))
			.limit(at_once);
		yield rows.map(({ row }) => ({ kind, row: leave(row) }));
		after = rows.length < at_once ? mark : (rows.at(-1)?.at ?? mark);
	}
}

/** What lies in the store beside a row, in pieces. */
async function* documentsOf(ctx: Ctx, marks: Marks): AsyncGenerator<Line[]> {
	for (const { kind, page } of SHELVES)
		for (let after = 0, mark = marks[kind] ?? 0; after < mark;) {
			const found = await page(ctx, after, mark);
			for (const { id, key } of found) {
				const bytes = await ctx.store.get(key);
				for (let at = 0; bytes !== null && at < bytes.length; at += PIECE)
					yield [
						{
							kind: 'Document',
							row: { of: kind, id, offset: at, size: bytes.length, data: toBase64(bytes.subarray(at, at + PIECE)) },
						},
					];
			}
			after = found.at(-1)?.id ?? mark;
		}
}

interface Shelf {
	kind: string;
	page: (ctx: Ctx, after: number, mark: number) => Promise<{ id: number; key: string }[]>;
}

const within = (id: SQLiteColumn, after: number, mark: number) => and(gt(id, after), lte(id, mark));

const SHELVES: Shelf[] = [
	{
		kind: 'ScriptRef',
		page: ({ db }, after, mark) =>
			db
				.select({ id: script_refs.id, key: script_refs.location })
				.from(script_refs)
				.where(and(within(script_refs.id, after, mark), eq(script_refs.location_type, 'uploaded')))
				.orderBy(asc(script_refs.id))
				.limit(100),
	},
	{
		kind: 'Inventory',
		page: async ({ db }, after, mark) => {
			const { id, project_id, sha256 } = inventories;
			const rows = await db
				.select({ id, project_id, sha256 })
				.from(inventories)
				.where(and(within(id, after, mark), isNotNull(sha256)))
				.orderBy(asc(id))
				.limit(100);
			return rows.map((row) => ({ id: row.id, key: documentKey('inventories', row.project_id, row.sha256 ?? '') }));
		},
	},
	{
		kind: 'TerraformPlan',
		page: async ({ db }, after, mark) => {
			const { id, raw_plan_path } = terraform_plans;
			const rows = await db
				.select({ id, key: raw_plan_path })
				.from(terraform_plans)
				.where(and(within(id, after, mark), isNotNull(raw_plan_path)))
				.orderBy(asc(id))
				.limit(100);
			return rows.map((row) => ({ id: row.id, key: row.key ?? '' }));
		},
	},
];

/** Each log that has anything, as it was when its turn came. */
async function* logsOf(ctx: Ctx, logs: Logs, mark: number): AsyncGenerator<Line[]> {
	for (let after = 0; after < mark;) {
		const found = await ctx.db
			.select({ id: runs.id })
			.from(runs)
			.where(and(within(runs.id, after, mark), isNotNull(runs.started_at)))
			.orderBy(asc(runs.id))
			.limit(100);
		for (const { id } of found)
			for (let from = 0; ;) {
				const frames = await logs.frames(id, from);
				if (frames.length === 0) break;
				for (const row of logRows(id, from + 1, frames)) yield [{ kind: 'RunLog', row }];
				from += frames.length;
			}
		after = found.at(-1)?.id ?? mark;
	}
}

/** One pull, one page: a reader that is slow keeps nothing in memory but the page it is at. */
function streamOf(head: string, pages: AsyncGenerator<Line[]>): ReadableStream<Uint8Array> {
	const encoder = new TextEncoder();
	let lines = 0;
	return new ReadableStream<Uint8Array>({
		start(controller) {
			controller.enqueue(encoder.encode(head));
		},
		async pull(controller) {
			for (;;) {
				const next = await pages.next();
				if (next.done) {
					controller.enqueue(encoder.encode(archiveLine({ kind: 'End', row: { lines } })));
					controller.close();
					return;
				}
				if (next.value.length === 0) continue;
				lines += next.value.length;
				controller.enqueue(encoder.encode(next.value.map(archiveLine).join('')));
				return;
			}
		},
		async cancel() {
			await pages.return(undefined);
		},
	});
}
