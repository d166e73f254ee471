import type { LogFrame, RunLogRow } from '#domain/archive.ts';
import { decodeFrame, encodeFrame, type Frame, type Gap, Kind, PAYLOAD_MAX, Stream } from '#protocol/run-frames.ts';
import { fromBase64, toBase64 } from '../bytes.ts';

// A log in an archive: its frames, each with its stream and its time, as text where that is what they are.

/** How much of a log is in one line, in bytes and in frames. */
const LINE_BYTES = 262_144;
const LINE_FRAMES = 2000;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/** Frames as they are kept, as rows of an archive. `first` is the number of the first of them. */
export function* logRows(run_id: number, first: number, encoded: readonly Uint8Array[]): Generator<RunLogRow> {
	let row: RunLogRow | null = null;
	let bytes = 0;
	for (const [i, one] of encoded.entries()) {
		const frame = decodeFrame(one);
		if (row && (bytes + frame.payload.length > LINE_BYTES || row.frames.length === LINE_FRAMES)) {
			yield row;
			row = null;
		}
		if (!row) {
			row = { run_id, first: first + i, offset: frame.offset, frames: [] };
			bytes = 0;
		}
		row.frames.push(told(frame));
		bytes += frame.payload.length;
	}
	if (row) yield row;
}

function told({ kind, stream, t_ms, payload }: Frame): LogFrame {
	if (kind === Kind.record) return { t_ms, record: strict.decode(payload) };
	if (kind === Kind.gap) return { t_ms, gap: JSON.parse(strict.decode(payload)) as Gap };
	const of = { t_ms, stream: stream === Stream.stderr ? ('stderr' as const) : ('stdout' as const) };
	const text = textOf(payload);
	// Bytes of a program that is no text, or that is mostly escapes, are shorter so.
	return text === null || JSON.stringify(text).length > 1.4 * payload.length + 40
		? { ...of, base64: toBase64(payload) }
		: { ...of, text };
}

function textOf(bytes: Uint8Array): string | null {
	try {
		return strict.decode(bytes);
	} catch {
		return null;
	}
}

/** The frames of a row, as they are kept, and where the log ends behind them. Null where one holds nothing, or too much. */
export function logFrames(row: RunLogRow): { frames: Uint8Array[]; offset: number } | null {
	let { offset } = row;
	const frames: Uint8Array[] = [];
	for (const frame of row.frames) {
		const { t_ms } = frame;
		if ('record' in frame) {
			const payload = utf8.encode(frame.record);
			frames.push(encodeFrame({ kind: Kind.record, stream: Stream.none, offset, t_ms, payload }));
			continue;
		}
		if ('gap' in frame) {
			const payload = utf8.encode(JSON.stringify(frame.gap));
			frames.push(encodeFrame({ kind: Kind.gap, stream: Stream.none, offset, t_ms, payload }));
			continue;
		}
		const payload = 'text' in frame ? utf8.encode(frame.text) : fromBase64(frame.base64);
		if (payload.length === 0 || payload.length > PAYLOAD_MAX) return null;
		const stream = Stream[frame.stream];
		frames.push(encodeFrame({ kind: Kind.log, stream, offset, t_ms, payload }));
		offset += payload.length;
	}
	return { frames, offset };
}
