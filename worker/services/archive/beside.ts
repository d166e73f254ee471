import { and, asc, eq, sql } from 'drizzle-orm';
import { DocumentRow, type ImportProgress, RunLogRow } from '#domain/archive.ts';
import { conflict } from '#domain/errors.ts';
import { import_chunks } from '../../db/client.ts';
import { fromBase64, sha256 } from '../bytes.ts';
import type { Ctx } from '../context.ts';
import { documentKey } from '../documents.ts';
import type { Logs } from '../logs.ts';
import { scriptKey } from '../scripts/content.ts';
import type { Chunks } from './chunks.ts';
import { logFrames } from './log-frames.ts';
import { badLine, joined } from './lines.ts';

/** Where a document lies, by its row as it waits; null where the row has none. */
type Place = (row: Record<string, unknown>, hash: string) => string | null;

const places: Record<DocumentRow['of'], Place> = {
	ScriptRef: (row, hash) =>
		row.location_type === 'uploaded' && row.sha256 === hash ? scriptKey(Number(row.project_id), hash) : null,
	Inventory: (row, hash) => (row.sha256 === hash ? documentKey('inventories', Number(row.project_id), hash) : null),
	TerraformPlan: (row, hash) => {
		const key = documentKey('plans', Number(row.project_id), hash);
		return row.raw_plan_path === key ? key : null;
	},
};

/**
 * What an archive brings beside the rows. It goes where it belongs at once, where nobody finds it before the rows are there: documents
 * lie under their hashes, and a log is shown of no run that there is not.
 */
export class Beside {
	readonly #ctx: Ctx;
	readonly #logs: Logs;
	readonly #import_id: number;
	readonly #chunks: Chunks;
	/** How often it went out. */
	errands = 0;

	constructor(ctx: Ctx, logs: Logs, import_id: number, chunks: Chunks) {
		this.#ctx = ctx;
		this.#logs = logs;
		this.#import_id = import_id;
		this.#chunks = chunks;
	}

	async document(line: number, row: unknown, progress: ImportProgress): Promise<ImportProgress> {
		const { data: piece, error } = DocumentRow.safeParse(row);
		const bad = (path: string, message: string) => badLine(line, 'Document', [{ path: ['row', path], message }]);
		if (error)
			throw badLine(
				line,
				'Document',
				error.issues.map(({ path, message }) => ({ path: ['row', ...path], message })),
			);
		const { of, id, offset, size } = piece;
		const data = fromBase64(piece.data);
		const expected = progress.document ?? { of, id, offset: 0, size };
		if (of !== expected.of || id !== expected.id || size !== expected.size || offset !== expected.offset)
			throw bad('offset', 'does not continue the document before it');
		const end = offset + data.length;
		if (data.length === 0 || end > size) throw bad('data', 'is more, or less, than there is room for');
		const name = `Document ${of} ${String(id)}`;
		if (end < size || offset > 0) await this.#chunks.add(name, line, null, JSON.stringify(piece.data));
		if (end < size) return { ...progress, document: { of, id, offset: end, size } };

		const bytes = offset === 0 ? data : await this.#whole(name, size);
		const owner = await this.#waiting(of, id);
		if (!owner) throw bad('id', `there is no such ${of} in the archive`);
		const key = places[of](owner, await sha256(bytes));
		if (key === null) throw bad('data', `is not what the ${of} names by its hash`);
		await this.#ctx.store.put(key, bytes);
		this.errands += 2;
		return { ...progress, document: null };
	}

	async log(line: number, row: unknown, progress: ImportProgress): Promise<ImportProgress> {
		const { data: part, error } = RunLogRow.safeParse(row);
		const bad = (path: string, message: string) => badLine(line, 'RunLog', [{ path: ['row', path], message }]);
		if (error)
			throw badLine(
				line,
				'RunLog',
				error.issues.map(({ path, message }) => ({ path: ['row', ...path], message })),
			);
		const { run_id, first, offset } = part;
		const goesOn = progress.log?.run_id === run_id ? progress.log : null;
		if (!goesOn && run_id <= (progress.log?.run_id ?? 0)) throw bad('run_id', 'stands behind the log of a later run');
		if (first !== (goesOn?.next ?? 1)) throw bad('first', 'does not continue the log before it');
		if (offset !== (goesOn?.offset ?? 0)) throw bad('offset', 'is not where the log before it ends');
		const kept = logFrames(part);
		if (!kept) throw bad('frames', 'hold nothing, or more than a frame may');
		if (!goesOn) {
			this.errands++;
			if (!(await this.#waiting('Run', run_id))) throw bad('run_id', 'there is no such Run in the archive');
		}
		const refused = await this.#logs.bring(run_id, this.#import_id, first - 1, kept.frames);
		this.errands++;
		if (refused !== null) throw bad('frames', `could not be kept: ${refused}`);
		return { ...progress, log: { run_id, next: first + kept.frames.length, offset: kept.offset } };
	}

	/** A row that came before, as it waits. */
	async #waiting(kind: string, id: number): Promise<Record<string, unknown> | null> {
		await this.#chunks.flush();
		const [found] = await this.#ctx.db
			.select({ row: sql<string>`r.value` })
			.from(sql`import_chunks c join json_each(c.rows) r`)
			.where(
				sql`c.import_id = ${this.#import_id} and c.kind = ${kind} and ${id} between c.first_id and c.last_id and json_extract(r.value, '$.id') = ${id}`,
			);
		return found ? (JSON.parse(found.row) as Record<string, unknown>) : null;
	}

	async #whole(name: string, size: number): Promise<Uint8Array> {
		await this.#chunks.flush();
		const found = await this.#ctx.db
			.select({ rows: import_chunks.rows })
			.from(import_chunks)
			.where(and(eq(import_chunks.import_id, this.#import_id), eq(import_chunks.kind, name)))
			.orderBy(asc(import_chunks.first_line));
		const pieces = found.flatMap(({ rows }) => (JSON.parse(rows) as string[]).map(fromBase64));
		const length = pieces.reduce((n, piece) => n + piece.length, 0);
		if (length !== size) throw conflict('Others send lines of this import at the same time.');
		return joined(pieces, size);
	}
}
