import type { RunStep } from '#domain/run-step.ts';
import { EXCERPT_MAX, isFinal, type Run } from '#domain/run.ts';
import { Kind, Stream, encodeFrame } from '#protocol/run-frames.ts';
import type { Mark } from './log-mark.ts';
import { textOf } from './log-lines.ts';
import type { LogReader } from './log-reader.ts';
import { newRun, phaseOf, type RunState } from './run-machine.ts';

export interface Excerpts {
	stdout_excerpt: string | null;
	stderr_excerpt: string | null;
}

/** The columns of the run's row that its stream decides. */
export function columnsOf(id: number, s: RunState, end: Mark, excerpts: Excerpts, steps: readonly RunStep[]) {
	const { status, agent_id, epoch, reason, exit_code, started_at, finished_at, timings, cancel_requested_at } = s;
	const ran = started_at !== null && finished_at !== null;
	return {
		...{ status, agent_id, epoch, reason, exit_code, started_at, finished_at, timings, cancel_requested_at },
		phase: phaseOf(s),
		// A host's clock may stand before the hub's: a run still lasts no less than nothing.
		duration: ran ? Math.max(0, Date.parse(finished_at) - Date.parse(started_at)) : null,
		log_path: end.frames > 0 ? `runs/${String(id)}` : null,
		log_bytes: end.offset,
		log_lines: end.lines,
		stdout_excerpt: excerpts.stdout_excerpt,
		stderr_excerpt: excerpts.stderr_excerpt,
		steps: [...steps],
	};
}

/** The run's row as it is now: what the record has, and over it what the stream knows better. */
export const rowOf = (record: Run, s: RunState, end: Mark, excerpts: Excerpts, steps: readonly RunStep[]): Run => ({
	...record,
	...columnsOf(record.id, s, end, excerpts, steps),
	cancel_requested_at: s.cancel_requested_at ?? record.cancel_requested_at,
});

/** Where a stream begins that meets its run for the first time: at its start, or with a run that was over before. */
export function stateOf(record: Run): RunState {
	if (!isFinal(record.status)) return { ...newRun, reason: record.reason };
	const { status, epoch, agent_id, reason, exit_code, started_at, finished_at, timings, cancel_requested_at } = record;
	return {
		...newRun,
		...{ status, epoch, agent_id, reason, exit_code, started_at, finished_at, timings, cancel_requested_at },
		step: 'done',
	};
}

/** The frame that tells viewers of a run's row. */
export const statusFrame = (row: Run, end: Mark, now: number): Uint8Array =>
	encodeFrame({
		kind: Kind.status,
		stream: Stream.none,
		offset: end.offset,
		t_ms: now,
		payload: new TextEncoder().encode(JSON.stringify(row)),
	});

/** How much of each end an excerpt shows, so that with what is between it stays within its bound. */
const END = EXCERPT_MAX / 2 - 16;

/** The first and last of both streams, for those who do not open the log. */
export async function excerptsOf(reader: LogReader): Promise<Excerpts> {
	const of = async (stream: 'stdout' | 'stderr') => {
		const size = reader.size(stream);
		if (size === 0) return null;
		if (size <= 2 * END) return bounded(textOf(await reader.bytes(stream, 0, size)), 2 * END);
		const head = bounded(textOf(await reader.bytes(stream, 0, END)), END);
		const tail = textOf(await reader.bytes(stream, size - END, END));
		return `${head}\n…\n${bounded(tail, END)}`;
	};
	return { stdout_excerpt: await of('stdout'), stderr_excerpt: await of('stderr') };
}

/** NUL ends a text for some of SQLite's functions, and a replacement character is longer than the byte it stands for. */
function bounded(text: string, max: number): string {
	let clean = text.replaceAll('\0', '\ufffd');
	while (new TextEncoder().encode(clean).length > max) clean = clean.slice(0, Math.floor(clean.length * 0.9));
	return clean;
}
