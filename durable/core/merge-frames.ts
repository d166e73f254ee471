import { FRAME_HEADER, Kind, PAYLOAD_MAX } from '#protocol/run-frames.ts';

/** Bytes this far apart in time are not shown under one time. */
const SPAN_MS = 50;

/**
 * Frames that follow each other in the log, with those of one stream and moment in one frame, which has the time and the offset of its
 * first: a viewer reads the same bytes from fewer messages.
 */
export function mergeFrames(frames: readonly Uint8Array[]): Uint8Array[] {
	const merged: Uint8Array[] = [];
	for (let at = 0; at < frames.length;) {
		const first = frames[at];
		if (!first) break;
		let end = at + 1;
		let length = first.length;
		for (let next = frames[end]; next && mayJoin(first, next); next = frames[++end]) {
			if (length + next.length - FRAME_HEADER > FRAME_HEADER + PAYLOAD_MAX) break;
			length += next.length - FRAME_HEADER;
		}
		merged.push(end === at + 1 ? first : joined(frames.slice(at, end), length));
		at = end;
	}
	return merged;
}

/** Both are of a log and of one stream, and were written within a moment. */
const mayJoin = (first: Uint8Array, next: Uint8Array): boolean =>
	first[0] === Kind.log && next[0] === Kind.log && first[1] === next[1] && timeOf(next) - timeOf(first) <= SPAN_MS;

const timeOf = (frame: Uint8Array): number =>
	Number(new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER).getBigUint64(12));

function joined(frames: readonly Uint8Array[], length: number): Uint8Array {
	const out = new Uint8Array(length);
	let at = 0;
	for (const frame of frames) {
		const part = at === 0 ? frame : frame.subarray(FRAME_HEADER);
		out.set(part, at);
		at += part.length;
	}
	return out;
}
