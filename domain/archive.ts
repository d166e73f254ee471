import { z } from 'zod';
import { Id, Time } from './common.ts';

/** Grows when an archive of before could not be read as one of now. docs/adr/0010-archive-and-import.md says what is in it. */
export const ARCHIVE_FORMAT = 1;

/** The longest line, in bytes: what one row of the database may hold. */
export const LINE_MAX = 1_900_000;

/** The first line of an archive. */
export const ArchiveHeader = z.strictObject({
	format: z.literal('uhub-archive'),
	format_version: z.literal(ARCHIVE_FORMAT),
	hub_version: z.string().max(100),
	exported_at: Time,
	includes: z.strictObject({ logs: z.boolean(), documents: z.boolean() }),
	/** The greatest number each kind of row has ever been given, by kind: no number is given twice, here or where it is read. */
	last_ids: z.record(z.string(), Id),
});
export type ArchiveHeader = z.infer<typeof ArchiveHeader>;

/** Every other line; the last one is of kind `End` and says how many came before it, so that a cut archive is told from a whole one. */
export const ArchiveLine = z.strictObject({ kind: z.string().max(40), row: z.record(z.string(), z.unknown()) });
export type ArchiveLine = z.infer<typeof ArchiveLine>;

/** The columns of a row are in archive-rows.ts; these lines are of no table. */
export const EndRow = z.strictObject({ lines: z.int().min(0) });

/** Bytes as they are, in base64. */
const Base64 = z.base64();

/** A piece of what lies beside a row: an uploaded script, an inventory, a plan. The pieces of one stand together, in their order. */
export const DocumentRow = z.strictObject({
	of: z.enum(['ScriptRef', 'Inventory', 'TerraformPlan']),
	id: Id,
	offset: z.int().min(0),
	/** Of the whole. */
	size: z.int().min(1).max(33_554_432),
	data: Base64,
});
export type DocumentRow = z.infer<typeof DocumentRow>;

const at = { t_ms: z.int().min(0) };
const Stream = z.enum(['stdout', 'stderr']);

/** What was written at one moment to one stream, as text where it is UTF-8; or bytes that were dropped there, and why. */
export const LogFrame = z.union([
	z.strictObject({ ...at, stream: Stream, text: z.string().min(1) }),
	z.strictObject({ ...at, stream: Stream, base64: Base64 }),
	z.strictObject({
		...at,
		gap: z.strictObject({ dropped: z.int().min(1), reason: z.enum(['spool_full', 'spool_lost']) }),
	}),
	/** What the agent said beside the output, as JSON text. */
	z.strictObject({ ...at, record: z.string().min(2).max(8192) }),
]);
export type LogFrame = z.infer<typeof LogFrame>;

/** Frames of a run's log, in their order: `first` is the number of the first of them, from 1, `offset` where its bytes begin. */
export const RunLogRow = z.strictObject({
	run_id: Id,
	first: z.int().min(1),
	offset: z.int().min(0),
	frames: z.array(LogFrame).min(1).max(5000),
});
export type RunLogRow = z.infer<typeof RunLogRow>;

const choice = z
	.enum(['true', 'false'])
	.default('false')
	.transform((it) => it === 'true');

/** What may come with the rows. */
export const ArchiveQuery = z.strictObject({
	/** The logs of runs. */
	logs: choice,
	/** Uploaded scripts, inventories and plans. */
	documents: choice,
});
export type ArchiveQuery = z.infer<typeof ArchiveQuery>;

/** JSON never holds a line's end, so a line is a row whatever is in it. */
export const archiveLine = (it: ArchiveHeader | { kind: string; row: object }): string => `${JSON.stringify(it)}\n`;

/** How much of an archive may be sent at once, in bytes. */
export const PART_MAX = 8_388_608;

/** What is known of the lines that were taken so far. */
export interface ImportProgress {
	header: ArchiveHeader | null;
	/** The place of the last line's kind in the order of kinds, and its id. */
	kind: number;
	last_id: number;
	/** Rows of tables. */
	rows: number;
	/** The document that is not whole yet, and the log that may go on. */
	document: { of: string; id: number; offset: number; size: number } | null;
	log: { run_id: number; next: number; offset: number } | null;
	complete: boolean;
}

/** How far an import has come. `id` is what its lines are sent by: who has it may go on with it. */
export const ImportState = z.object({
	id: z.string(),
	/** The number of the line that is expected next, from 1. */
	next_line: z.int().min(1),
	/** The last line was taken: it can be finished. */
	complete: z.boolean(),
});
export type ImportState = z.infer<typeof ImportState>;

export const ImportLinesQuery = z.strictObject({ from: z.coerce.number().int().min(1).max(1_000_000_000) });
