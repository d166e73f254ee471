import { type Frame, Kind, Stream } from '#protocol/run-frames.ts';

/** Where a log stands after a number of its frames: every index of it is a list of such marks. */
export interface Mark {
	/** Bytes so far, of both streams and of stdout alone. */
	offset: number;
	out: number;
	/** Lines begun so far (domain/log.ts says what a line is), and the stream of the one that is not ended; 0: none is. */
	lines: number;
	open: number;
	frames: number;
}

export const START: Mark = { offset: 0, out: 0, lines: 0, open: Stream.none, frames: 0 };

const LINE_FEED = 10;

/** A sum of bytes, four side by side, holds no more of them than this without one running over into the next. */
const LANES_MAX = 255;

/** How many lines end in there. Four bytes are looked at together, without a branch: of a flood this is every byte. */
function feedsIn(bytes: Uint8Array): number {
	let feeds = 0;
	const count = (from: number, to: number) => {
		for (let i = from; i < to; i++) if (bytes[i] === LINE_FEED) feeds++;
	};
	const start = -bytes.byteOffset & 3;
	if (bytes.length < start) {
		count(0, bytes.length);
		return feeds;
	}
	const fours = new Int32Array(bytes.buffer, bytes.byteOffset + start, (bytes.length - start) >> 2);
	count(0, start);
	for (let from = 0; from < fours.length; from += LANES_MAX) {
		const to = Math.min(fours.length, from + LANES_MAX);
		let lanes = 0;
		for (let i = from; i < to; i++) {
			// Zero where a byte is a line feed; then the top bit of that byte is the only one left.
			const four = (fours[i] ?? 0) ^ 0x0a0a0a0a;
			lanes = (lanes + (~(((four & 0x7f7f7f7f) + 0x7f7f7f7f) | four | 0x7f7f7f7f) >>> 7)) | 0;
		}
		feeds += (lanes & 255) + ((lanes >>> 8) & 255) + ((lanes >>> 16) & 255) + (lanes >>> 24);
	}
	count(start + 4 * fours.length, bytes.length);
	return feeds;
}

/** The mark after one more frame. */
export function after(mark: Mark, frame: Frame): Mark {
	const frames = mark.frames + 1;
	if (frame.kind === Kind.record) return { ...mark, frames };
	if (frame.kind === Kind.gap) return { ...mark, lines: mark.lines + 1, open: Stream.none, frames };
	const { payload, stream } = frame;
	const size = payload.length;
	if (size === 0) return { ...mark, frames };
	const feeds = feedsIn(payload);
	const ended = payload[size - 1] === LINE_FEED;
	return {
		offset: mark.offset + size,
		out: mark.out + (stream === Stream.stdout ? size : 0),
		lines: mark.lines + (mark.open === stream ? 0 : 1) + feeds - (ended ? 1 : 0),
		open: ended ? Stream.none : stream,
		frames,
	};
}
