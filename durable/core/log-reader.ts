import { createHash } from 'node:crypto';
import type { LogLine, LogLines, LogStream } from '#domain/log.ts';
import { encodeFrame, type Frame, Kind } from '#protocol/run-frames.ts';
import { expand } from './log-body.ts';
import { LinesPart, streamName } from './log-lines.ts';
import { after, type Mark, START } from './log-mark.ts';
import { framesOf, type LogStore, segmentKey } from './log-store.ts';
import type { Segments } from './storage.ts';

/** What a reader that goes through the log fetches of a segment at once, compressed. */
const AHEAD = 1_048_576;
/** Opened pieces that are kept, of 256 KiB each. */
const OPENED_MAX = 4;
/** An answer of lines ends when it holds this much text, in bytes. */
const LINES_MAX = 1_048_576;

/** Some frames in a row, and where the log stands before the first. */
export interface Stretch {
	before: Mark;
	frames: Frame[];
}

/**
 * Reads a log while it grows, is merged and is sealed: a place is kept as a number of frames, which none of that changes.
 * The last part is in the object and read without waiting; what is sealed comes from the segments.
 */
export class LogReader {
	readonly #log: LogStore;
	readonly #run_id: number;
	readonly #segments: Segments;
	/** The sealed pieces opened last, by their seq: a reader that scrolls mostly stays in one. */
	readonly #opened = new Map<number, Uint8Array>();

	constructor(log: LogStore, run_id: number, segments: Segments) {
		this.#log = log;
		this.#run_id = run_id;
		this.#segments = segments;
	}

	/** The frames from number `from` on that are in one piece, without waiting; null when they are sealed or there are none. */
	hot(from: number): Stretch | null {
		const { pieces } = this.#log;
		const i = firstWhere(pieces, (p) => p.end.frames > from);
		const piece = pieces[i];
		const body = piece && this.#log.hot(piece);
		return body ? stretch(pieces[i - 1]?.end ?? START, body, from) : null;
	}

	/** The log from frame number `from` to its end of now and beyond, piece by piece. */
	async *stretches(from: number, ahead = AHEAD): AsyncGenerator<Stretch, void, void> {
		const fetched: Fetched = { segment: -1, at: 0, bytes: new Uint8Array() };
		for (let next = from; ;) {
			const { pieces } = this.#log;
			const i = firstWhere(pieces, (p) => p.end.frames > next);
			const piece = pieces[i];
			if (!piece) return;
			const before = pieces[i - 1]?.end ?? START;
			const body = this.#log.hot(piece) ?? (await this.#sealed(i, ahead, fetched));
			yield stretch(before, body, next);
			next = piece.end.frames;
		}
	}

	/** The frames from number `from` on as they are sent, of about `max` bytes; none at the end of the log. */
	async encoded(from: number, max: number): Promise<Uint8Array[]> {
		const encoded: Uint8Array[] = [];
		let size = 0;
		for await (const { frames } of this.stretches(from)) {
			for (const frame of frames) {
				encoded.push(encodeFrame(frame));
				size += frame.payload.length;
			}
			if (size >= max) break;
		}
		return encoded;
	}

	/** The number of the first frame that has bytes at or after `offset`, or is a gap there. */
	async frameAt(offset: number): Promise<number> {
		const { pieces } = this.#log;
		const i = firstWhere(pieces, (p) => p.end.offset >= offset);
		for await (const { before, frames } of this.stretches(pieces[i - 1]?.end.frames ?? 0, 0)) {
			let mark = before;
			for (const frame of frames) {
				const next = after(mark, frame);
				if (next.offset > offset || (frame.kind === Kind.gap && frame.offset >= offset)) return mark.frames;
				mark = next;
			}
		}
		return this.#log.end.frames;
	}

	/** The length of the log, or of one stream of it, in bytes. */
	size(stream: LogStream | null): number {
		return lengthOf(this.#log.end, stream);
	}

	/** At most `max` bytes from `from` on; with a stream, of that stream alone. */
	async bytes(stream: LogStream | null, from: number, max: number): Promise<Uint8Array> {
		const to = Math.min(from + max, this.size(stream));
		if (to <= from) return new Uint8Array();
		const out = new Uint8Array(to - from);
		const { pieces } = this.#log;
		const i = firstWhere(pieces, (p) => lengthOf(p.end, stream) > from);
		for await (const { before, frames } of this.stretches(pieces[i - 1]?.end.frames ?? 0)) {
			let at = lengthOf(before, stream);
			for (const frame of frames) {
				if (frame.kind !== Kind.log || (stream && streamName(frame.stream) !== stream)) continue;
				const part = frame.payload.subarray(Math.max(0, from - at), Math.max(0, to - at));
				if (part.length > 0) out.set(part, Math.max(at, from) - from);
				at += frame.payload.length;
				if (at >= to) return out;
			}
		}
		return out;
	}

	/** Lines by their number, from 1. Of a line that is too long the beginning is given, and the rest is not read. */
	async lines(from: number, count: number): Promise<LogLines> {
		const end = this.#log.end;
		const items: LogLine[] = [];
		let text = 0;
		let line = from;
		const last = Math.min(from + count - 1, end.lines);
		while (line <= last && text < LINES_MAX) {
			const part = new LinesPart(line, last);
			for await (const piece of this.stretches(this.frameOfLine(line), 0)) if (part.take(piece)) break;
			const got = part.lines();
			if (got.length === 0) break;
			for (const item of got) {
				items.push(item);
				text += item.text.length;
				line = item.line + 1;
				if (text >= LINES_MAX) break;
			}
		}
		return { items, total_lines: end.lines, total_bytes: end.offset };
	}

	/** The SHA-256 of all the log's bytes, gaps left out. */
	async sha256(): Promise<string> {
		const hash = createHash('sha256');
		for await (const { frames } of this.stretches(0))
			for (const frame of frames) if (frame.kind === Kind.log) hash.update(frame.payload);
		return hash.digest('hex');
	}

	/** The frame number where the piece begins that line `line` begins in. */
	frameOfLine(line: number): number {
		const { pieces } = this.#log;
		return pieces[firstWhere(pieces, (p) => p.end.lines >= line) - 1]?.end.frames ?? 0;
	}

	async #sealed(i: number, ahead: number, fetched: Fetched): Promise<Uint8Array> {
		const { pieces } = this.#log;
		const piece = pieces[i];
		if (!piece?.sealed) throw new Error('a piece of the log is neither in the object nor sealed');
		const opened = this.#opened.get(piece.seq);
		if (opened) return opened;
		const { segment, at } = piece.sealed;
		if (fetched.segment !== segment || at < fetched.at || at + piece.stored > fetched.at + fetched.bytes.length) {
			let length = piece.stored;
			for (let j = i + 1; length < ahead && pieces[j]?.sealed?.segment === segment; j++)
				length += pieces[j]?.stored ?? 0;
			const bytes = await this.#segments.get(segmentKey(this.#run_id, segment), { offset: at, length });
			if (bytes?.length !== length)
				throw new Error(`segment ${String(segment)} of run ${String(this.#run_id)} is not whole`);
			Object.assign(fetched, { segment, at, bytes });
		}
		const body = expand(fetched.bytes.subarray(at - fetched.at, at - fetched.at + piece.stored), piece.raw);
		this.#opened.set(piece.seq, body);
		const [oldest] = this.#opened.keys();
		if (this.#opened.size > OPENED_MAX && oldest !== undefined) this.#opened.delete(oldest);
		return body;
	}
}

interface Fetched {
	segment: number;
	at: number;
	bytes: Uint8Array;
}

const lengthOf = (mark: Mark, stream: LogStream | null): number =>
	stream === null ? mark.offset : stream === 'stdout' ? mark.out : mark.offset - mark.out;

/** The index of the first for which `holds`, in an order where all later ones hold too; the length when none does. */
export function firstWhere<T>(list: readonly T[], holds: (item: T) => boolean): number {
	let low = 0;
	let high = list.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		const item = list[middle];
		if (item !== undefined && holds(item)) high = middle;
		else low = middle + 1;
	}
	return low;
}

function stretch(before: Mark, body: Uint8Array, from: number): Stretch {
	const frames = framesOf(body);
	let mark = before;
	let skip = 0;
	for (const frame of frames) {
		if (mark.frames >= from) break;
		mark = after(mark, frame);
		skip++;
	}
	return { before: mark, frames: frames.slice(skip) };
}

/** The frame without its bytes before `offset`; null when nothing of it is left, or it is not for viewers. */
export function cutFrame(frame: Frame, offset: number): Uint8Array | null {
	if (frame.kind === Kind.record) return null;
	if (frame.kind === Kind.gap) return frame.offset >= offset ? encodeFrame(frame) : null;
	const skip = Math.max(0, offset - frame.offset);
	if (skip >= frame.payload.length) return null;
	return encodeFrame({ ...frame, offset: frame.offset + skip, payload: frame.payload.subarray(skip) });
}
