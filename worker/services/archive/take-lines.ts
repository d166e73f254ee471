import { and, eq, gte, sql } from 'drizzle-orm';
import {
	ArchiveHeader,
	ArchiveLine,
	EndRow,
	type ImportProgress,
	type ImportState,
	LINE_MAX,
} from '#domain/archive.ts';
import { DomainError } from '#domain/errors.ts';
import { import_chunks, imports } from '../../db/client.ts';
import { commit, LostRace } from '../commit.ts';
import type { Ctx } from '../context.ts';
import type { Logs } from '../logs.ts';
import { Chunks, staged } from './chunks.ts';
import { Beside } from './beside.ts';
import { openImport, stateOf } from './import-row.ts';
import { type Kind, KINDS } from './kinds.ts';
import { badLine, linesOf, parseLine } from './lines.ts';

/** How often a part may go to a log or to the store: a request may go out only so often. What is left is sent again. */
const ERRANDS = 400;

const order = new Map<string, number>(
	[...KINDS.map(({ kind }) => kind), 'Document', 'RunLog', 'End'].map((kind, n) => [kind, n]),
);

/**
 * Takes lines of an archive from number `from` on: each is checked by itself and put where it waits for the last one. All of the part
 * or, where a line is not right, nothing of it. It may take fewer than were sent: the answer says which line comes next.
 */
export async function takeLines(
	ctx: Ctx,
	logs: Logs,
	token: string,
	from: number,
	body: AsyncIterable<Uint8Array>,
): Promise<ImportState> {
	const row = await openImport(ctx, token);
	if (row.next_line !== from)
		throw new DomainError('conflict', `The next line is number ${String(row.next_line)}.`, { current: stateOf(row) });
	// Of a part that was cut off some may lie here already.
	await ctx.db
		.delete(import_chunks)
		.where(and(eq(import_chunks.import_id, row.id), gte(import_chunks.first_line, from)));

	const taker = new Taker(ctx, logs, row.id, row.progress);
	let line = from;
	for await (const bytes of linesOf(body, from, LINE_MAX)) {
		if (!(await taker.take(line, bytes))) break;
		line++;
	}
	await taker.flush();
	const { progress } = taker;
	const next = { next_line: line, progress, updated_at: new Date(ctx.now()).toISOString() };
	try {
		await commit(
			ctx,
			{ kind: 'system' },
			{
				expect: [sql`exists (select 1 from imports where id = ${row.id} and next_line = ${from} and done_at is null)`],
				statements: [ctx.db.update(imports).set(next).where(eq(imports.id, row.id))],
				audit: [],
			},
		);
	} catch (error) {
		if (error instanceof LostRace)
			throw new DomainError('conflict', 'Others send lines of this import at the same time.');
		throw error;
	}
	return stateOf({ token, next_line: line, progress });
}

/** One line after the other. */
class Taker {
	readonly #chunks: Chunks;
	readonly #beside: Beside;
	progress: ImportProgress;

	constructor(ctx: Ctx, logs: Logs, import_id: number, progress: ImportProgress) {
		this.#chunks = new Chunks(ctx, import_id);
		this.#beside = new Beside(ctx, logs, import_id, this.#chunks);
		this.progress = progress;
	}

	flush(): Promise<void> {
		return this.#chunks.flush();
	}

	/** False: not this one any more, nor what follows. */
	async take(line: number, bytes: Uint8Array): Promise<boolean> {
		const { progress } = this;
		if (progress.complete) throw badLine(line, null, [{ path: [], message: 'stands behind the end of the archive' }]);
		const json = parseLine(bytes, line);
		if (!progress.header) {
			this.progress = { ...progress, header: headerOf(json, line) };
			return true;
		}
		const { data, error } = ArchiveLine.safeParse(json);
		if (error) throw badLine(line, null, error.issues);
		const { kind, row } = data;
		const place = order.get(kind);
		if (place === undefined)
			throw badLine(line, null, [{ path: ['kind'], message: 'is of no kind that is known here' }]);
		if (place < progress.kind)
			throw badLine(line, kind, [{ path: ['kind'], message: 'stands behind rows that come after it' }]);
		if (progress.document && kind !== 'Document')
			throw badLine(line, kind, [{ path: ['kind'], message: 'stands where the rest of a document is missing' }]);
		const known = KINDS[place];
		if (known) {
			await this.#row(known, place, line, row, progress.header.exported_at);
			return true;
		}
		const at = { ...progress, kind: place };
		if (kind === 'End') {
			endOf(row, line);
			this.progress = { ...at, complete: true };
			return true;
		}
		if (this.#beside.errands >= ERRANDS) return false;
		this.progress =
			kind === 'Document' ? await this.#beside.document(line, row, at) : await this.#beside.log(line, row, at);
		return true;
	}

	async #row(known: Kind, place: number, line: number, row: Record<string, unknown>, exported_at: string) {
		const { progress } = this;
		const { kind, ascends } = known;
		const arrived = known.arrive(row, exported_at);
		if ('faults' in arrived)
			throw badLine(
				line,
				kind,
				arrived.faults.map(({ path, message }) => ({ path: ['row', ...path], message })),
			);
		const last_id = place === progress.kind ? progress.last_id : 0;
		const id = ascends === null ? null : Number(arrived.row[ascends]);
		if (id !== null && id <= last_id)
			throw badLine(line, kind, [
				{ path: ['row', ascends ?? ''], message: `must be greater than ${String(last_id)}, which came before it` },
			]);
		await this.#chunks.add(kind, line, id, staged(known, arrived.row));
		this.progress = { ...progress, kind: place, last_id: id ?? 0, rows: progress.rows + 1 };
	}
}

function headerOf(json: unknown, line: number): ArchiveHeader {
	const { data, error } = ArchiveHeader.safeParse(json);
	if (!error) return data;
	const version = (json as { format?: unknown; format_version?: unknown } | null) ?? {};
	if (version.format === 'uhub-archive' && typeof version.format_version === 'number')
		if (error.issues.some(({ path }) => path[0] === 'format_version'))
			throw badLine(line, null, [
				{ path: ['format_version'], message: `${String(version.format_version)} cannot be read here: 1 can` },
			]);
	throw badLine(line, null, [{ path: [], message: 'is not the header of an archive of uHub' }, ...error.issues]);
}

/** The last line's own count: what is missing in the middle is noticed too. */
function endOf(row: unknown, line: number) {
	const { data, error } = EndRow.safeParse(row);
	if (error)
		throw badLine(
			line,
			'End',
			error.issues.map(({ path, message }) => ({ path: ['row', ...path], message })),
		);
	// The header and this one are not counted.
	if (data.lines !== line - 2)
		throw badLine(line, 'End', [
			{ path: ['row', 'lines'], message: `says ${String(data.lines)}, and ${String(line - 2)} came before it` },
		]);
}
