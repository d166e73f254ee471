import { createHash } from 'node:crypto';
// By its default, for a Node without Zstandard has no such names to import.
import zlib from 'node:zlib';
import { promisify } from 'node:util';
import { BadFrame, type Chunk, decodePacked, encodePacked, FRAME_HEADER, PACKED_MIN } from '#protocol/run-frames.ts';
import { PACKED_SINCE } from '#protocol/version.ts';

/** Of the viewer frame in what is packed, before it. */
const LENGTH = 4;
/** What comes from the agent's own disk is as long as it says; this is what Node sets aside beyond that. */
const SPARE = 65_536;

/** Node has had Zstandard since 22.15. */
const compress = 'zstdCompress' in zlib ? promisify(zlib.zstdCompress) : null;
/** The fastest of the plain levels: a log shrinks about as much with it, and it has to keep up with the script. */
const options = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } };

/** Whether a hub of this protocol takes packed chunks. */
export const takesPacked = (protocol: number | null): boolean => (protocol ?? 0) >= PACKED_SINCE;

/** A viewer frame as a hub of protocol 4 takes it: packed where that pays. */
export async function pack(frame: Uint8Array): Promise<Uint8Array> {
	const payload_length = frame.length - FRAME_HEADER;
	if (!compress || payload_length < PACKED_MIN) return frame;
	const length = Buffer.alloc(LENGTH);
	length.writeUInt32BE(frame.length);
	const body = await compress(Buffer.concat([length, frame]), options);
	return body.length < payload_length ? encodePacked({ payload_length, body }) : frame;
}

/** The viewer frame in what `pack` made. Throws `BadFrame`. */
export function unpack(frame: Uint8Array): Uint8Array {
	const packed = decodePacked(frame);
	if (!packed) return frame;
	const length = FRAME_HEADER + packed.payload_length;
	let whole: Buffer;
	try {
		whole = zlib.zstdDecompressSync(packed.body, { maxOutputLength: LENGTH + length + SPARE });
	} catch {
		throw new BadFrame('a packed frame cannot be unpacked');
	}
	if (whole.length !== LENGTH + length) throw new BadFrame('a packed frame holds something else');
	return whole.subarray(LENGTH);
}

/** A chunk as a hub before protocol 4 takes it. Throws `BadFrame`. */
export function unpackChunk(chunk: Chunk): Chunk {
	const frame = unpack(chunk.frame);
	return frame === chunk.frame ? chunk : { ...chunk, frame, sha256: createHash('sha256').update(frame).digest() };
}
