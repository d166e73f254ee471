import { z } from 'zod';
import { Time } from './common.ts';

/** Grows when an archive of before could not be read as one of now. */
export const ARCHIVE_FORMAT = 1;

/** The first line of an archive. */
export const ArchiveHeader = z.strictObject({
	format: z.literal('uhub-archive'),
	format_version: z.int().min(1),
	hub_version: z.string(),
	exported_at: Time,
	includes: z.strictObject({ logs: z.boolean(), documents: z.boolean() }),
});
export type ArchiveHeader = z.infer<typeof ArchiveHeader>;

/** Every other line; the last one is of kind `End` and says how many came before it, so that a cut archive is told from a whole one. */
export const ArchiveLine = z.strictObject({ kind: z.string(), row: z.record(z.string(), z.unknown()) });
export type ArchiveLine = z.infer<typeof ArchiveLine>;

const choice = z
	.enum(['true', 'false'])
	.default('false')
	.transform((it) => it === 'true');

/** What may come with the rows. */
export const ArchiveQuery = z.strictObject({
	/** The logs of runs, as pieces of their bytes. */
	logs: choice,
	/** Uploaded scripts, inventories and plans. */
	documents: choice,
});
export type ArchiveQuery = z.infer<typeof ArchiveQuery>;

/** JSON never holds a line's end, so a line is a row whatever is in it. */
export const archiveLine = (it: ArchiveHeader | ArchiveLine): string => `${JSON.stringify(it)}\n`;
