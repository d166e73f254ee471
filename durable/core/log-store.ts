import { createHash } from 'node:crypto';
import {
	BadFrame,
	type Chunk,
	decodeFrame,
	decodePacked,
	type Frame,
	Kind,
	type Packed,
	PAYLOAD_MAX,
	Stream,
	toHex,
	UNACKED_MAX,
} from '#protocol/run-frames.ts';
import { parseRecord } from '#protocol/run-record.ts';
import { parseGap } from './gap.ts';
import { compress, expand, packFrames, rawOf, unpackFrame, unpackFrames, worthCompressing } from './log-body.ts';
import { after, type Mark, START } from './log-mark.ts';
import type { Segments, Storage } from './storage.ts';

/** A stretch of the log as it lies in storage. Where it begins is where the one before it ends. */
export interface Piece {
	/** Of its last chunk. */
	seq: number;
	end: Mark;
	/** Length of its body, before compression and as stored. */
	raw: number;
	stored: number;
	compressed: boolean;
	/** Where it lies in the sealed segments; null while it is in the object itself. */
	sealed: { segment: number; at: number } | null;
}

export interface Appended {
	/** What is new, in the order of the log: each frame, its bytes as viewers get them, the chunk's hash, and how many lines had begun before it. */
	taken: { frame: Frame; bytes: Uint8Array; sha256: Uint8Array; lines: number }[];
	/** Why the rest of the chunks was not taken; null when all were. */
	refused: string | null;
}

/** A piece holds at most this much of the log, so that any byte is found by opening that little. */
const PIECE_MAX = PAYLOAD_MAX;
/** Pieces smaller than this are merged: when they are this many, or this much together. */
const SMALL = 32_768;
const SMALL_COUNT = 64;
const SMALL_SUM = 131_072;
/** A segment is this much of the log; the end of the log stays in the object, where a late viewer starts. */
export const SEGMENT = 8_388_608;
export const SEAL_AT = SEGMENT + SEGMENT / 2;
/** What a flood may bring before a segment of it is sealed without waiting for a calmer moment. */
export const UNSEALED_MAX = 8 * SEGMENT;

export const segmentKey = (run_id: number, segment: number): string => `runs/${String(run_id)}/${String(segment)}.zst`;

/** The log of one run: chunks in, once and in their order; pieces at rest. Reading it is log-reader.ts. */
export class LogStore {
	readonly #storage: Storage;
	#pieces: Piece[];
	/** Chunks that came before their turn: by seq, never more than the agent may have under way. */
	readonly #early = new Map<number, Chunk>();
	#sealing: Promise<void> | null = null;

	constructor(storage: Storage) {
		this.#storage = storage;
		storage.sql.exec(
			`create table if not exists pieces (seq integer primary key, offset integer not null, out integer not null, lines integer not null,
			 open integer not null, frames integer not null, raw integer not null, stored integer not null, compressed integer not null,
			 segment integer, at integer, hashes blob, data blob)`,
		);
		this.#pieces = storage.sql
			.exec<Row>(
				'select seq, offset, out, lines, open, frames, raw, stored, compressed, segment, at from pieces order by seq',
			)
			.toArray()
			.map(pieceOf);
	}

	get pieces(): readonly Piece[] {
		return this.#pieces;
	}
	/** Where the log ends now. */
	get end(): Mark {
		return this.#pieces.at(-1)?.end ?? START;
	}
	/** Every chunk up to this one is stored. */
	get seq(): number {
		return this.#pieces.at(-1)?.seq ?? 0;
	}
	/** There is enough to seal a segment. */
	get full(): boolean {
		return this.#unsealed >= SEAL_AT;
	}

	/**
	 * Takes chunks of one epoch. A chunk known already is passed over; an early one waits its turn. One that is damaged,
	 * does not continue the log, or says something else under a known seq is refused, with all that follow it.
	 */
	append(chunks: readonly Chunk[]): Appended {
		const taken: Appended['taken'] = [];
		let group: Taken[] = [];
		let mark = this.end;
		let next = this.seq + 1;
		let refused: string | null = null;
		let size = 0;
		const flush = () => {
			if (group.length > 0) this.#insert(group, mark);
			group = [];
			size = 0;
		};
		const take = (chunk: Chunk) => {
			const one = checked(chunk, mark);
			const { frame, bytes, packed } = one;
			if (packed || size + frame.payload.length > PIECE_MAX) flush();
			size += frame.payload.length;
			group.push(one);
			taken.push({ frame, bytes, sha256: chunk.sha256, lines: mark.lines });
			mark = after(mark, frame);
			next++;
			if (packed) flush();
		};
		try {
			for (const chunk of chunks) {
				if (chunk.seq < next) this.#known(chunk, group);
				else if (chunk.seq > next) this.#hold(chunk);
				else take(chunk);
				for (let early = this.#early.get(next); early; early = this.#early.get(next)) {
					this.#early.delete(early.seq);
					take(early);
				}
			}
		} catch (error) {
			if (!(error instanceof BadFrame)) throw error;
			refused = error.message;
		}
		flush();
		return { taken, refused };
	}

	/** Takes frames that no agent sent: the log of a run that was over before this hub knew it, from frame number `from` on. */
	bring(run_id: number, from: number, frames: readonly Uint8Array[]): Appended {
		const sha256 = (frame: Uint8Array) => new Uint8Array(createHash('sha256').update(frame).digest());
		return this.append(
			frames.map((frame, i) => ({ run_id, epoch: 0, seq: from + i + 1, sha256: sha256(frame), frame })),
		);
	}

	/** Forgets all of it. */
	clear(): void {
		this.#storage.sql.exec('delete from pieces');
		this.#pieces = [];
		this.#early.clear();
	}

	/** The body of a piece in the object; null when it is sealed. */
	hot(piece: Piece): Uint8Array | null {
		if (piece.sealed) return null;
		const [row] = this.#storage.sql
			.exec<{ data: ArrayBuffer }>('select data from pieces where seq = ?', piece.seq)
			.toArray();
		if (!row) return null;
		const data = new Uint8Array(row.data);
		return piece.compressed ? expand(data, piece.raw) : data;
	}

	/**
	 * Moves full segments out of the object, once at a time. Repeating it after a crash puts the very same bytes. `pause` is awaited before
	 * each, unless too much has gathered.
	 */
	seal(run_id: number, segments: Segments, pause?: () => Promise<void>): Promise<void> {
		this.#sealing ??= this.#sealFull(run_id, segments, pause).finally(() => {
			this.#sealing = null;
		});
		return this.#sealing;
	}

	async #sealFull(run_id: number, segments: Segments, pause?: () => Promise<void>) {
		while (this.full) {
			if (this.#unsealed < UNSEALED_MAX) await pause?.();
			await this.#sealOne(run_id, segments);
		}
	}

	async #sealOne(run_id: number, segments: Segments) {
		const first = this.#pieces.findIndex((p) => !p.sealed);
		const start = this.#sealedEnd();
		const count = this.#pieces.slice(first).findIndex((p) => p.end.offset - start >= SEGMENT) + 1;
		const last = this.#pieces[first + count - 1];
		if (!last) return;
		// What goes out is fixed before it goes: from here on the pieces of this segment do not change, for merging reaches
		// back from the end of the log by less than what stays in the object.
		this.#storage.transactionSync(() => {
			for (const piece of this.#pieces.slice(first, first + count)) if (!piece.compressed) this.#rewrite(piece);
		});
		const pieces = this.#pieces.slice(first, first + count);
		const segment = (this.#pieces[first - 1]?.sealed?.segment ?? -1) + 1;
		const bytes = new Uint8Array(pieces.reduce((n, p) => n + p.stored, 0));
		const places = new Map<number, number>();
		let at = 0;
		for (const piece of pieces) {
			bytes.set(this.#data(piece), at);
			places.set(piece.seq, at);
			at += piece.stored;
		}
		await segments.put(segmentKey(run_id, segment), bytes);
		this.#storage.transactionSync(() => {
			for (const [seq, place] of places)
				this.#storage.sql.exec(
					'update pieces set segment = ?, at = ?, hashes = null, data = null where seq = ?',
					segment,
					place,
					seq,
				);
		});
		for (const piece of pieces) piece.sealed = { segment, at: places.get(piece.seq) ?? 0 };
	}

	get #unsealed(): number {
		return this.end.offset - this.#sealedEnd();
	}

	#sealedEnd(): number {
		return this.#pieces.findLast((p) => p.sealed)?.end.offset ?? 0;
	}

	#hold(chunk: Chunk) {
		if (chunk.seq > this.seq + 1024 || (this.#early.size + 1) * PAYLOAD_MAX > 4 * UNACKED_MAX)
			throw new BadFrame(`chunk ${String(chunk.seq)} is too far ahead of ${String(this.seq)}`);
		this.#early.set(chunk.seq, chunk);
	}

	/** The hash of a chunk is kept until its piece is merged or sealed; a repetition is compared as long. */
	#known(chunk: Chunk, group: readonly Taken[]) {
		const sha256 = toHex(chunk.sha256);
		const fresh = group.find((one) => one.chunk.seq === chunk.seq);
		const stored = fresh ? toHex(fresh.chunk.sha256) : this.#hash(chunk.seq);
		if (stored !== null && stored !== sha256)
			throw new BadFrame(`chunk ${String(chunk.seq)} is already known with another hash`);
	}

	#hash(seq: number): string | null {
		const [row] = this.#storage.sql
			.exec<{ seq: number; hashes: ArrayBuffer | null }>(
				'select seq, hashes from pieces where seq >= ? order by seq limit 1',
				seq,
			)
			.toArray();
		if (!row?.hashes) return null;
		const at = row.hashes.byteLength - 32 * (row.seq - seq + 1);
		return at < 0 ? null : toHex(new Uint8Array(row.hashes, at, 32));
	}

	#insert(group: readonly Taken[], end: Mark) {
		const last = group.at(-1);
		if (!last) return;
		const { raw, compressed, data } = last.packed ? asPacked(last.packed) : packedHere(group);
		const hashes = new Uint8Array(32 * group.length);
		group.forEach(({ chunk }, i) => {
			hashes.set(chunk.sha256, 32 * i);
		});
		const { seq } = last.chunk;
		const piece: Piece = { seq, end, raw, stored: data.length, compressed, sealed: null };
		this.#storage.sql.exec(
			'insert into pieces (seq, offset, out, lines, open, frames, raw, stored, compressed, hashes, data) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
			...[piece.seq, end.offset, end.out, end.lines, end.open, end.frames, piece.raw, piece.stored, compressed ? 1 : 0],
			hashes,
			data,
		);
		if (piece.raw >= SMALL) this.#mergeSmall(2);
		this.#pieces.push(piece);
		if (piece.raw < SMALL) this.#mergeSmall(SMALL_COUNT);
	}

	/** Merges the small pieces at the end, where there are `count` of them, or enough of the log. */
	#mergeSmall(count: number) {
		let first = this.#pieces.length;
		let raw = 0;
		for (; first > 0; first--) {
			const piece = this.#pieces[first - 1];
			if (!piece || piece.raw >= SMALL || piece.sealed) break;
			raw += piece.raw;
		}
		const small = this.#pieces.slice(first);
		const last = small.at(-1);
		if (!last || small.length < 2 || (small.length < count && raw < SMALL_SUM)) return;
		const body = new Uint8Array(raw);
		let at = 0;
		for (const piece of small) {
			const part = this.hot(piece);
			if (!part) return;
			body.set(part, at);
			at += part.length;
		}
		this.#storage.transactionSync(() => {
			this.#storage.sql.exec('delete from pieces where seq >= ? and seq < ?', small[0]?.seq ?? 0, last.seq);
			this.#pieces.splice(first, small.length, last);
			this.#rewrite(last, body);
		});
	}

	/** Stores a piece anew, compressed. */
	#rewrite(piece: Piece, body: Uint8Array = this.#data(piece)) {
		const data = compress(body);
		this.#storage.sql.exec(
			'update pieces set raw = ?, stored = ?, compressed = 1, hashes = null, data = ? where seq = ?',
			body.length,
			data.length,
			data,
			piece.seq,
		);
		Object.assign(piece, { raw: body.length, stored: data.length, compressed: true });
	}

	#data(piece: Piece): Uint8Array {
		const [row] = this.#storage.sql
			.exec<{ data: ArrayBuffer }>('select data from pieces where seq = ?', piece.seq)
			.toArray();
		if (!row) throw new Error(`piece ${String(piece.seq)} of the log is not there`);
		return new Uint8Array(row.data);
	}
}

interface Row extends Record<string, number | null> {
	seq: number;
	offset: number;
	out: number;
	lines: number;
	open: number;
	frames: number;
	raw: number;
	stored: number;
	compressed: number;
	segment: number | null;
	at: number | null;
}

const pieceOf = (r: Row): Piece => ({
	seq: r.seq,
	end: { offset: r.offset, out: r.out, lines: r.lines, open: r.open, frames: r.frames },
	raw: r.raw,
	stored: r.stored,
	compressed: r.compressed === 1,
	sealed: r.segment === null || r.at === null ? null : { segment: r.segment, at: r.at },
});

/** A chunk that was taken: its frame, and that as viewers get it. `packed`: as the agent packed it, which is a piece of its own. */
interface Taken {
	chunk: Chunk;
	frame: Frame;
	bytes: Uint8Array;
	packed: Packed | null;
}

/** Stored as it came. */
const asPacked = ({ payload_length, body }: Packed) => ({ raw: rawOf(payload_length), compressed: true, data: body });

function packedHere(group: readonly Taken[]) {
	const body = packFrames(group.map(({ bytes }) => bytes));
	const packed = worthCompressing(body) ? compress(body) : body;
	const compressed = packed.length < body.length;
	return { raw: body.length, compressed, data: compressed ? packed : body };
}

/** A chunk that may be next after `mark`. Throws `BadFrame`. */
function checked(chunk: Chunk, mark: Mark): Taken {
	const name = `chunk ${String(chunk.seq)}`;
	if (!createHash('sha256').update(chunk.frame).digest().equals(chunk.sha256))
		throw new BadFrame(`${name} does not match its hash`);
	const packed = decodePacked(chunk.frame);
	const bytes = packed ? unpackFrame(packed) : chunk.frame;
	const frame = decodeFrame(bytes);
	if (packed && frame.kind !== Kind.log) throw new BadFrame(`${name} packs what is not of a log`);
	if (frame.kind === Kind.status) throw new BadFrame(`${name} is not of a log`);
	if (frame.payload.length > PAYLOAD_MAX) throw new BadFrame(`${name} is too long`);
	if (frame.offset !== mark.offset)
		throw new BadFrame(`${name} starts at ${String(frame.offset)}, the log ends at ${String(mark.offset)}`);
	if (frame.kind === Kind.log && (frame.stream === Stream.none || frame.payload.length === 0))
		throw new BadFrame(`${name} names no stream, or holds nothing`);
	if (frame.kind === Kind.record && !parseRecord(frame.payload))
		throw new BadFrame(`${name} is a record of no known kind`);
	if (frame.kind === Kind.gap && !parseGap(frame.payload))
		throw new BadFrame(`${name} is a gap that does not say what is missing`);
	return { chunk, frame, bytes, packed };
}

/** Unpacks a body into its frames. */
export const framesOf = (body: Uint8Array): Frame[] => unpackFrames(body).map(decodeFrame);
