import { z } from 'zod';

/*
 * What a line of a run's log is, for everybody who counts them. A line ends with its `\n`, or where the other stream's bytes
 * begin, so that a line belongs to one stream only. A gap (bytes the agent had to drop) is a line of its own.
 * Lines are numbered from 1. A log that does not end in `\n` has an unfinished last line, which counts.
 */

/** The streams a reader may ask for alone. */
export const LogStream = z.enum(['stdout', 'stderr']);
export type LogStream = z.infer<typeof LogStream>;

export const LogLine = z.object({
	line: z.int().min(1),
	/** Where it starts in the combined log, in bytes. */
	offset: z.int().min(0),
	/** `none` for a gap. */
	stream: z.enum(['stdout', 'stderr', 'none']),
	/** When its first bytes were written, in milliseconds UTC. */
	t_ms: z.int(),
	/** Without its line end; bytes that are not UTF-8 show as U+FFFD. */
	text: z.string(),
	/** The text was cut after `LINE_TEXT_MAX` bytes; the raw log has all of it. */
	truncated: z.literal(true).optional(),
	/** Bytes that were dropped here, and why. */
	gap: z.object({ dropped: z.int().min(0), reason: z.string() }).optional(),
});
export type LogLine = z.infer<typeof LogLine>;

export const LogLines = z.object({
	items: z.array(LogLine),
	total_lines: z.int().min(0),
	/** The log's length in bytes when this was read: a live reader goes on from here. */
	total_bytes: z.int().min(0),
});
export type LogLines = z.infer<typeof LogLines>;

/** A line that holds what was looked for. `text` is cut to a window around the first place, which starts at `at` in it. */
export const LogHit = LogLine.omit({ gap: true, truncated: true }).extend({ at: z.int().min(0) });
export type LogHit = z.infer<typeof LogHit>;

export const LogHits = z.object({
	items: z.array(LogHit),
	/** Ask again from this line for more; null when the end was reached. */
	next_from_line: z.int().min(1).nullable(),
});
export type LogHits = z.infer<typeof LogHits>;

/** The most of one line that `LogLine.text` holds, in bytes. */
export const LINE_TEXT_MAX = 65_536;

export const LogLinesQuery = z.strictObject({
	from: z.coerce.number().int().min(1).default(1),
	count: z.coerce.number().int().min(1).max(1000).default(200),
});
export const LogSearchQuery = z.strictObject({
	/** Literal text; upper and lower case are the same. */
	q: z.string().min(1).max(200),
	from_line: z.coerce.number().int().min(1).default(1),
	limit: z.coerce.number().int().min(1).max(500).default(100),
});
