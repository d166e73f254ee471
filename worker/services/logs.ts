import type { LogHits, LogLines, LogStream } from '#domain/log.ts';

/** A part of the log: `to` is exclusive (null: to the end), `last` is that many bytes at the end. */
export type LogRange = { from: number; to: number | null } | { last: number };

export interface LogBytes {
	body: ReadableStream<Uint8Array>;
	/** The part of the log that `body` holds, `end` exclusive. Both equal `total` where the range lies behind the end. */
	start: number;
	end: number;
	/** The length of the log, or of the one stream that was asked for, when it was read. */
	total: number;
}

/** Reading the log of a run, whether it is still being written or long over. Who may read is the caller's question. */
export interface Logs {
	/** With a stream, offsets count that stream's bytes alone. */
	bytes(run_id: number, part: { stream: LogStream | null; range: LogRange | null }): Promise<LogBytes>;
	/** `from` is a line number, from 1. At most `count` lines, fewer where they are long. */
	lines(run_id: number, part: { from: number; count: number }): Promise<LogLines>;
	/** Literal, upper and lower case alike. Each answer looks at a bounded part of the log and says where to go on. */
	search(run_id: number, query: { q: string; from_line: number; limit: number }): Promise<LogHits>;
	/** The log as it is kept, frame by frame (protocol/run-frames.ts), from frame number `from` on, counted from 0: a bounded part of it, empty at its end. */
	frames(run_id: number, from: number): Promise<Uint8Array[]>;
	/**
	 * Keeps a part of a log that comes with an archive, from frame number `from` on; what was kept of it before is passed over. It is
	 * the run's log once that import is done. Gives why it was not taken, or null.
	 */
	bring(run_id: number, import_id: number, from: number, frames: Uint8Array[]): Promise<string | null>;
}
