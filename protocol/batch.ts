import { FRAME_MAX } from './close-codes.ts';
import { BadFrame } from './run-frames.ts';

/**
 * What a long-poll carries, up and down: frames in their order, as a WebSocket would carry them. Big-endian.
 *
 *   batch   0–3 number of the first frame u32 · frames…
 *   frame   0 kind · 1–4 length u32 · 5… bytes
 *
 * Kinds are text (UTF-8), binary, and the close of the connection: its code u16, then the reason. Frames are counted from 1 in each
 * direction, for as long as the connection lives. A request for frames is a batch without any: its number is that of the one wanted.
 */
const Part = { text: 0, binary: 1, close: 2 } as const;

/** A frame as one end gives it and the other takes it. A close is the last there is. */
export type Packet = string | Uint8Array | { code: number; reason: string };

export interface Batch {
	first: number;
	packets: Packet[];
}

const BATCH_HEADER = 4;
const PACKET_HEADER = 5;
/** What is gathered into one batch, in bytes, where one frame alone is not more: many proxies stop at 1 MiB. */
export const BATCH_GATHER = 524_288;
/** The largest batch there can be: one frame of the largest size. */
export const BATCH_MAX = BATCH_HEADER + PACKET_HEADER + FRAME_MAX;
export const PACKETS_MAX = 1024;

/** How long the hub keeps a request for frames waiting, and how long it waits for the next before the agent counts as gone. */
export const POLL_MS = 25_000;
export const POLL_GAP_MS = 20_000;
/** The header that names the connection: 32 random bytes of the hub's choice, base64url. */
export const SESSION_HEADER = 'uhub-session';

const text = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A packet on its way: its kind and bytes. */
export interface Encoded {
	kind: number;
	bytes: Uint8Array;
}

export function encodePacket(packet: Packet): Encoded {
	if (typeof packet === 'string') return { kind: Part.text, bytes: text.encode(packet) };
	if (packet instanceof Uint8Array) return { kind: Part.binary, bytes: packet };
	const reason = text.encode(packet.reason);
	const bytes = new Uint8Array(2 + reason.length);
	new DataView(bytes.buffer).setUint16(0, packet.code);
	bytes.set(reason, 2);
	return { kind: Part.close, bytes };
}

/** How many of them, from the first on, go into one batch; at least one, where there is one. */
export function gathered(packets: readonly Encoded[]): number {
	let size = 0;
	let count = 0;
	for (const { bytes } of packets) {
		size += PACKET_HEADER + bytes.length;
		if (count > 0 && (size > BATCH_GATHER || count === PACKETS_MAX)) break;
		count++;
	}
	return count;
}

export function encodeBatch(first: number, packets: readonly Encoded[]): Uint8Array<ArrayBuffer> {
	const size = packets.reduce((sum, { bytes }) => sum + PACKET_HEADER + bytes.length, BATCH_HEADER);
	const out = new Uint8Array(size);
	const view = new DataView(out.buffer);
	view.setUint32(0, first);
	let at = BATCH_HEADER;
	for (const { kind, bytes } of packets) {
		view.setUint8(at, kind);
		view.setUint32(at + 1, bytes.length);
		out.set(bytes, at + PACKET_HEADER);
		at += PACKET_HEADER + bytes.length;
	}
	return out;
}

/** Binary packets are views into `bytes`, not copies. Throws `BadFrame`. */
export function decodeBatch(bytes: Uint8Array): Batch {
	if (bytes.length < BATCH_HEADER) throw new BadFrame('a batch is shorter than its header');
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const first = view.getUint32(0);
	if (first === 0) throw new BadFrame('frames are counted from 1');
	const packets: Packet[] = [];
	for (let at = BATCH_HEADER; at < bytes.length;) {
		if (packets.length === PACKETS_MAX) throw new BadFrame('a batch has too many frames');
		if (at + PACKET_HEADER > bytes.length) throw new BadFrame('a frame is cut');
		const end = at + PACKET_HEADER + view.getUint32(at + 1);
		if (end > bytes.length) throw new BadFrame('a frame is cut');
		const packet = decodePacket(view.getUint8(at), bytes.subarray(at + PACKET_HEADER, end));
		packets.push(packet);
		at = end;
		if (isClose(packet) && at < bytes.length) throw new BadFrame('a frame comes after the close');
	}
	return { first, packets };
}

export const isClose = (packet: Packet): packet is { code: number; reason: string } =>
	typeof packet === 'object' && 'code' in packet;

function decodePacket(kind: number, bytes: Uint8Array): Packet {
	if (kind === Part.binary) return bytes;
	if (kind === Part.text) return decodeText(bytes);
	if (kind !== Part.close || bytes.length < 2) throw new BadFrame(`unknown frame kind ${String(kind)} in a batch`);
	return {
		code: new DataView(bytes.buffer, bytes.byteOffset, 2).getUint16(0),
		reason: decodeText(bytes.subarray(2)),
	};
}

function decodeText(bytes: Uint8Array): string {
	try {
		return strict.decode(bytes);
	} catch {
		throw new BadFrame('a text frame is not UTF-8');
	}
}
