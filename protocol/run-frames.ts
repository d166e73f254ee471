/**
 * The binary frames of a run's log. An agent sends each as viewers will get it, or packed; a viewer's frame is that, or several that follow
 * each other in one: then its time is that of the first. Records (run-record.ts) stand among them and are for the hub alone. All
 * numbers are big-endian.
 *
 *   viewer frame   0 kind · 1 stream · 2–3 zero · 4–11 offset u64 · 12–19 time ms u64 · 20… payload
 *   packed frame   0 kind 5 · 1–3 zero · 4–7 payload bytes u32 · 8… a frame of Zstandard: length of the viewer frame u32 · viewer frame
 *   agent chunk    0–7 run id u64 · 8–11 epoch u32 · 12–15 seq u32 · 16–47 SHA-256 of what follows · 48… viewer frame or packed frame
 *   blob           0 kind 16 · 1–3 zero · 4–35 SHA-256 of the whole · 36–43 offset u64 · 44–51 total u64 · 52… bytes
 */
export const Kind = { log: 1, status: 2, gap: 3, record: 4, packed: 5, blob: 16 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];
export const Stream = { none: 0, stdout: 1, stderr: 2 } as const;
export type Stream = (typeof Stream)[keyof typeof Stream];

export const FRAME_HEADER = 20;
export const CHUNK_HEADER = 48;
export const PACKED_HEADER = 8;
export const BLOB_HEADER = 52;
/** The most log bytes in one frame. */
export const PAYLOAD_MAX = 262_144;
/** The least log bytes that are packed: of fewer there is little to gain, and the hub keeps those together with others. */
export const PACKED_MIN = 32_768;
/** What an agent may have sent and not yet seen acknowledged, per run: the sum of `weightOf`. */
export const UNACKED_MAX = 1_048_576;

export class BadFrame extends Error {}

export interface Frame {
	kind: number;
	stream: number;
	/** Where the payload starts in the combined log, in bytes. A gap's is where the dropped bytes would have started. */
	offset: number;
	/** Milliseconds UTC. */
	t_ms: number;
	payload: Uint8Array;
}

const view = (b: Uint8Array) => new DataView(b.buffer, b.byteOffset, b.byteLength);
const u64 = (v: DataView, at: number): number => {
	const n = v.getBigUint64(at);
	if (n > BigInt(Number.MAX_SAFE_INTEGER)) throw new BadFrame('a number is too large');
	return Number(n);
};

export function encodeFrame(f: Frame): Uint8Array<ArrayBuffer> {
	const out = new Uint8Array(FRAME_HEADER + f.payload.length);
	writeFrameHeader(view(out), 0, f);
	out.set(f.payload, FRAME_HEADER);
	return out;
}

function writeFrameHeader(v: DataView, at: number, f: Omit<Frame, 'payload'>) {
	v.setUint8(at, f.kind);
	v.setUint8(at + 1, f.stream);
	v.setBigUint64(at + 4, BigInt(f.offset));
	v.setBigUint64(at + 12, BigInt(f.t_ms));
}

/** The payload is a view into `bytes`, not a copy. Throws `BadFrame`. */
export function decodeFrame(bytes: Uint8Array): Frame {
	if (bytes.length < FRAME_HEADER) throw new BadFrame('a frame is shorter than its header');
	const v = view(bytes);
	const kind = v.getUint8(0);
	const stream = v.getUint8(1);
	if (kind !== Kind.log && kind !== Kind.status && kind !== Kind.gap && kind !== Kind.record)
		throw new BadFrame(`unknown frame kind ${String(kind)}`);
	if (stream > Stream.stderr) throw new BadFrame(`unknown stream ${String(stream)}`);
	if (v.getUint16(2) !== 0) throw new BadFrame('reserved bytes are not zero');
	return { kind, stream, offset: u64(v, 4), t_ms: u64(v, 12), payload: bytes.subarray(FRAME_HEADER) };
}

export interface Packed {
	/** How much of the log it holds, in bytes. */
	payload_length: number;
	/** The frame of Zstandard: smaller than that. */
	body: Uint8Array;
}

export function encodePacked(p: Packed): Uint8Array<ArrayBuffer> {
	const out = new Uint8Array(PACKED_HEADER + p.body.length);
	out[0] = Kind.packed;
	view(out).setUint32(4, p.payload_length);
	out.set(p.body, PACKED_HEADER);
	return out;
}

/** Null where the frame is not packed. `body` is a view into it, and may hold anything. Throws `BadFrame`. */
export function decodePacked(frame: Uint8Array): Packed | null {
	if (frame[0] !== Kind.packed) return null;
	if (frame.length < PACKED_HEADER) throw new BadFrame('a packed frame is shorter than its header');
	const v = view(frame);
	if ((v.getUint32(0) & 0xffffff) !== 0) throw new BadFrame('reserved bytes are not zero');
	const payload_length = v.getUint32(4);
	if (payload_length < PACKED_MIN || payload_length > PAYLOAD_MAX)
		throw new BadFrame(`a packed frame of ${String(payload_length)} bytes`);
	const body = frame.subarray(PACKED_HEADER);
	if (body.length > payload_length) throw new BadFrame('a packed frame is larger than what it holds');
	return { payload_length, body };
}

/**
 * What a chunk's frame counts in the window: its payload, and packed what is sent of it, but no less than a quarter of what it holds. So the
 * window bounds what the hub has to keep of it either way.
 */
export function weightOf(frame: Uint8Array): number {
	const packed = decodePacked(frame);
	return packed ? Math.max(packed.body.length, packed.payload_length / 4) : frame.length - FRAME_HEADER;
}

export interface Chunk {
	run_id: number;
	epoch: number;
	/** Starts at 1 in each epoch and grows by one. */
	seq: number;
	/** Of `frame`, 32 bytes. */
	sha256: Uint8Array;
	/** The frame as it is sent: kind `log`, `gap` or `record`, or `packed`, which holds one of a log. */
	frame: Uint8Array;
}

export function encodeChunk(c: Chunk): Uint8Array<ArrayBuffer> {
	const out = new Uint8Array(CHUNK_HEADER + c.frame.length);
	const v = view(out);
	v.setBigUint64(0, BigInt(c.run_id));
	v.setUint32(8, c.epoch);
	v.setUint32(12, c.seq);
	out.set(c.sha256, 16);
	out.set(c.frame, CHUNK_HEADER);
	return out;
}

/** `sha256` and `frame` are views into `bytes`. The hash is not checked here, nor what is packed. Throws `BadFrame`. */
export function decodeChunk(bytes: Uint8Array): Chunk {
	if (bytes.length < CHUNK_HEADER + FRAME_HEADER) throw new BadFrame('a chunk is shorter than its headers');
	if (bytes.length > CHUNK_HEADER + FRAME_HEADER + PAYLOAD_MAX) throw new BadFrame('a chunk is too long');
	const v = view(bytes);
	const frame = bytes.subarray(CHUNK_HEADER);
	decodePacked(frame);
	return {
		run_id: u64(v, 0),
		epoch: v.getUint32(8),
		seq: v.getUint32(12),
		sha256: bytes.subarray(16, CHUNK_HEADER),
		frame,
	};
}

/** Which run a chunk is of, however damaged the rest of it may be; null where it does not even say that. */
export function runOf(bytes: Uint8Array): { run_id: number; epoch: number } | null {
	if (bytes.length < 12) return null;
	const v = view(bytes);
	const run_id = v.getBigUint64(0);
	return run_id > BigInt(Number.MAX_SAFE_INTEGER) ? null : { run_id: Number(run_id), epoch: v.getUint32(8) };
}

/** What a gap frame's payload says, as JSON: how many bytes were dropped, and why. */
export interface Gap {
	dropped: number;
	reason: 'spool_full' | 'spool_lost';
}

export interface Blob {
	sha256: Uint8Array;
	offset: number;
	total: number;
	payload: Uint8Array;
}

/** A part of a script's content, from the hub to the agent, sent between an `accept` that asks for it and the `grant`. */
export function encodeBlob(b: Blob): Uint8Array<ArrayBuffer> {
	const out = new Uint8Array(BLOB_HEADER + b.payload.length);
	const v = view(out);
	v.setUint8(0, Kind.blob);
	out.set(b.sha256, 4);
	v.setBigUint64(36, BigInt(b.offset));
	v.setBigUint64(44, BigInt(b.total));
	out.set(b.payload, BLOB_HEADER);
	return out;
}

export function decodeBlob(bytes: Uint8Array): Blob {
	if (bytes.length < BLOB_HEADER || bytes[0] !== Kind.blob) throw new BadFrame('not a blob');
	const v = view(bytes);
	return { sha256: bytes.subarray(4, 36), offset: u64(v, 36), total: u64(v, 44), payload: bytes.subarray(BLOB_HEADER) };
}

export const toHex = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
export const fromHex = (s: string): Uint8Array<ArrayBuffer> => {
	const out = new Uint8Array(s.length / 2);
	for (let i = 0; i < out.length; i++) out[i] = parseInt(s.slice(2 * i, 2 * i + 2), 16);
	return out;
};
