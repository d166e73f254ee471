import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { BadFrame, FRAME_HEADER, type Packed } from '#protocol/run-frames.ts';

// A piece of a log at rest is its viewer frames one after the other, each behind its length (u32, big-endian), compressed
// where that pays. Pieces are frames of Zstandard, so a segment, which is pieces end to end, is a .zst the usual tools open.

/** Below this, compressing costs more than it saves. */
const WORTH_MIN = 2048;
/** The fastest of the plain levels: a log shrinks about as much with it, and it has to keep up with the agent. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 };
/** workerd counts the room it sets aside against the limit, which it doubles as it goes, not the bytes that come out. */
const SPARE = 65_536;

export function packFrames(frames: readonly Uint8Array[]): Uint8Array {
	const body = new Uint8Array(frames.reduce((n, f) => n + 4 + f.length, 0));
	const view = new DataView(body.buffer);
	let at = 0;
	for (const frame of frames) {
		view.setUint32(at, frame.length);
		body.set(frame, at + 4);
		at += 4 + frame.length;
	}
	return body;
}

/** The frames of a body, as views into it. */
export function unpackFrames(body: Uint8Array): Uint8Array[] {
	const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
	const frames: Uint8Array[] = [];
	for (let at = 0; at < body.length;) {
		const length = view.getUint32(at);
		frames.push(body.subarray(at + 4, at + 4 + length));
		at += 4 + length;
	}
	return frames;
}

export const compress = (body: Uint8Array): Uint8Array => zstdCompressSync(body, { params });

/** `raw` is the length that must come out: bytes that would swell far beyond it are an error, not memory. */
export function expand(bytes: Uint8Array, raw: number): Uint8Array {
	const body = zstdDecompressSync(bytes, { maxOutputLength: 2 * raw + SPARE });
	if (body.length !== raw) throw new Error(`a piece of a log is ${String(body.length)} bytes long, not ${String(raw)}`);
	return body;
}

/** The viewer frame that an agent packed: its packed body is a body as above, of this one frame. Throws `BadFrame`. */
export function unpackFrame({ payload_length, body }: Packed): Uint8Array {
	let whole: Uint8Array;
	try {
		whole = expand(body, rawOf(payload_length));
	} catch {
		throw new BadFrame('a packed frame cannot be unpacked');
	}
	const frame = whole.subarray(4);
	if (new DataView(whole.buffer, whole.byteOffset).getUint32(0) !== frame.length)
		throw new BadFrame('a packed frame holds something else');
	return frame;
}

/** The length of the body of one frame with so long a payload. */
export const rawOf = (payload_length: number): number => 4 + FRAME_HEADER + payload_length;

export const worthCompressing = (body: Uint8Array): boolean => body.length >= WORTH_MIN;
