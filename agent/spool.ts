import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { createHash, type Hash } from 'node:crypto';
import path from 'node:path';
import {
	BadFrame,
	type Chunk,
	CHUNK_HEADER,
	decodeChunk,
	decodeFrame,
	type Frame,
	FRAME_HEADER,
	Kind,
	PAYLOAD_MAX,
	Stream,
} from '#protocol/run-frames.ts';
import { codeOf } from './failure.ts';
import type { Told } from './journal.ts';
import { openAnew, readFully, syncDirectory, writeFully } from './files.ts';
import { unpack } from './packing.ts';

const SEGMENT_BYTES = 8 * 1_048_576;
const RECORD_HEADER = 4;
const CHUNK_MAX = CHUNK_HEADER + FRAME_HEADER + PAYLOAD_MAX;
const READ_BYTES = 2 * (CHUNK_MAX + RECORD_HEADER);

/** There is no room: the agent's own limit is reached, or the disk is full. Nothing of the append was kept. */
export class SpoolFull extends Error {}

/**
 * What all spools of an agent may take together, in bytes. The last of it, `kept`, is for spools that hold little: a flood that the hub
 * does not take fills the rest, and holds up no other run.
 */
export class Budget {
	readonly limit: number;
	readonly #kept: number;
	readonly spools = new Set<Spool>();
	used = 0;

	constructor(limit: number, kept = 0) {
		this.limit = limit;
		this.#kept = kept;
	}

	/** Whether so much more of a spool fits in; where it is short, what the hub has of any run gives way. */
	makeRoom(bytes: number, of: Spool | null = null): boolean {
		const short = () => {
			const isSmall = of !== null && of.size + bytes <= this.#kept / 2;
			return this.used + bytes > this.limit - (isSmall ? 0 : this.#kept);
		};
		for (const spool of this.spools) while (short() && spool.dropOldest());
		return !short();
	}
}

interface Segment {
	file: string;
	first: number;
	/** Its last seq; one less than `first` while it is empty. */
	last: number;
	size: number;
}

/**
 * A run's log on the agent's disk until the hub has all of it: chunks as they are sent, each after its length, in files of 8 MiB.
 * Everything stays until the finish is acknowledged; only when room is short do files go whose every chunk is.
 */
export class Spool {
	readonly #dir: string;
	readonly #budget: Budget;
	#segments: Segment[] = [];
	#handle: FileHandle | null = null;
	#acked = 0;
	/** Bytes are on their way into its file, or to the disk. */
	#busy = false;
	/** Its latest file has a name that is not on the disk yet. */
	#unnamed = false;
	#hash: Hash = createHash('sha256');
	readonly #chunksHash: Hash = createHash('sha256');
	#last_seq = 0;
	#bytes = 0;
	#told: Told = { stdout: 0, stderr: 0, records: 0, gaps: 0 };
	#whole = true;

	private constructor(dir: string, budget: Budget) {
		this.#dir = dir;
		this.#budget = budget;
		budget.spools.add(this);
	}

	/** The seq of the last chunk; 0 when there is none. */
	get last_seq(): number {
		return this.#last_seq;
	}

	/** The length of the log so far, gaps left out. */
	get bytes(): number {
		return this.#bytes;
	}

	/** What it has on the disk. */
	get size(): number {
		return this.#segments.reduce((sum, segment) => sum + segment.size, 0);
	}

	/** What the log consists of so far. */
	get told(): Told {
		return { ...this.#told };
	}

	/** All that was ever appended is here, so that it can be gone on with. */
	get whole(): boolean {
		return this.#whole;
	}

	/** SHA-256 of the log so far, in hexadecimal, gaps left out. */
	sha256(): string {
		return this.#hash.copy().digest('hex');
	}

	/** SHA-256 of the SHA-256s of all chunks, in hexadecimal; null where an earlier process let go of some. */
	get chunks_sha256(): string | null {
		return this.#whole ? this.#chunksHash.copy().digest('hex') : null;
	}

	static async create(dir: string, budget: Budget): Promise<Spool> {
		await rm(dir, { recursive: true, force: true });
		await mkdir(dir, { recursive: true, mode: 0o700 });
		await syncDirectory(path.dirname(dir));
		return new Spool(dir, budget);
	}

	/** What an earlier process left: every chunk up to the first that is torn or damaged. */
	static async recover(dir: string, budget: Budget): Promise<Spool> {
		const spool = new Spool(dir, budget);
		await mkdir(dir, { recursive: true, mode: 0o700 });
		const firsts = (await readdir(dir)).flatMap((name) => (/^\d{10}$/.test(name) ? [Number(name)] : []));
		for (const first of firsts.sort((a, b) => a - b)) {
			const file = spool.#fileOf(first);
			const size = (await stat(file)).size;
			const segment: Segment = { file, first, last: first - 1, size };
			if (first !== spool.#last_seq + 1) {
				spool.#whole = false;
				if (spool.#segments.length > 0) break;
			}
			spool.#last_seq = first - 1;
			let end = 0;
			for await (const chunk of readSegment(segment, 0)) {
				const frame = chunk.seq === spool.#last_seq + 1 ? intact(chunk) : null;
				if (!frame) break;
				spool.#take(chunk, frame);
				segment.last = chunk.seq;
				end += RECORD_HEADER + CHUNK_HEADER + chunk.frame.length;
			}
			spool.#whole &&= end === size || (first === firsts.at(-1) && (await isTorn(file, end, size)));
			// The next append may begin a file of its name.
			if (segment.last < first) continue;
			spool.#segments.push(segment);
			budget.used += size;
		}
		return spool;
	}

	/** Lets go of the oldest file if the hub has all of it; false when there is none to let go of. */
	dropOldest(): boolean {
		const [oldest] = this.#segments;
		if (!oldest || oldest.size === 0 || oldest.last > this.#acked) return false;
		if (this.#segments.length === 1) {
			if (this.#busy) return false;
			void this.close();
		}
		this.#segments.shift();
		this.#budget.used -= oldest.size;
		// Its name is out of the list already; a file that stays behind goes with the directory.
		void rm(oldest.file, { force: true }).catch(() => undefined);
		return true;
	}

	/**
	 * Outlives this process when it resolves, and the machine when `sync` has. `chunks` go on where the last append ended; `frames` are what
	 * they hold, where that is at hand. Throws `SpoolFull`. One append or sync at a time.
	 */
	async append(chunks: readonly Uint8Array[], frames?: readonly Frame[]): Promise<void> {
		const decoded = chunks.map(decodeChunk);
		const size = chunks.reduce((sum, c) => sum + c.length + RECORD_HEADER, 0);
		if (!this.#budget.makeRoom(size, this)) throw new SpoolFull('the spool is full');
		// Until its file is said to hold them: another run that is short of room would let go of it.
		await this.#busily(async () => {
			const segment = await this.#write(chunks, size);
			for (const [n, chunk] of decoded.entries()) this.#take(chunk, frames?.[n] ?? frameOf(chunk));
			segment.last = this.#last_seq;
		});
	}

	/** Has all that was appended on the disk. */
	async sync(): Promise<void> {
		await this.#busily(async () => {
			await this.#handle?.datasync();
			if (this.#unnamed) await syncDirectory(this.#dir);
			this.#unnamed = false;
		});
	}

	async #busily(work: () => Promise<void>): Promise<void> {
		this.#busy = true;
		try {
			await work();
		} finally {
			this.#busy = false;
		}
	}

	async #write(chunks: readonly Uint8Array[], size: number): Promise<Segment> {
		const segment = await this.#segmentFor(size);
		const handle = this.#handle;
		if (!handle) throw new Error('the spool is closed');
		try {
			await writeFully(handle, recordsOf(chunks));
		} catch (error) {
			await handle.truncate(segment.size).catch(() => undefined);
			if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') throw new SpoolFull('the disk is full');
			throw error;
		}
		segment.size += size;
		this.#budget.used += size;
		return segment;
	}

	/** Every chunk up to `seq` is the hub's. */
	ack(seq: number): void {
		this.#acked = Math.max(this.#acked, seq);
	}

	/** Chunks from `seq` on, as far as there are any now. A reader that goes on later calls again. */
	async *read(seq: number): AsyncGenerator<Chunk> {
		for (const segment of [...this.#segments]) {
			if (segment.last < seq) continue;
			for await (const chunk of readSegment(segment, segment.size)) {
				if (chunk.seq > segment.last) break;
				if (chunk.seq >= seq) yield chunk;
			}
		}
	}

	/** Closes and removes it. */
	async remove(): Promise<void> {
		await this.close();
		this.#budget.spools.delete(this);
		for (const segment of this.#segments) this.#budget.used -= segment.size;
		this.#segments = [];
		await rm(this.#dir, { recursive: true, force: true });
	}

	async close(): Promise<void> {
		const handle = this.#handle;
		this.#handle = null;
		await handle?.close();
	}

	#take(chunk: Chunk, frame: Frame): void {
		this.#last_seq = chunk.seq;
		this.#chunksHash.update(chunk.sha256);
		if (frame.kind === Kind.record) this.#told.records++;
		if (frame.kind === Kind.gap) this.#told.gaps++;
		if (frame.kind !== Kind.log) return;
		this.#told[frame.stream === Stream.stderr ? 'stderr' : 'stdout'] += frame.payload.length;
		this.#hash.update(frame.payload);
		this.#bytes = frame.offset + frame.payload.length;
	}

	#fileOf(first: number): string {
		return path.join(this.#dir, String(first).padStart(10, '0'));
	}

	async #segmentFor(size: number): Promise<Segment> {
		const current = this.#segments.at(-1);
		if (current && this.#handle && (current.size === 0 || current.size + size <= SEGMENT_BYTES)) return current;
		const first = this.#last_seq + 1;
		try {
			await this.close();
			const file = this.#fileOf(first);
			this.#handle = await openAnew(file);
			this.#unnamed = true;
			const segment = { file, first, last: first - 1, size: 0 };
			this.#segments.push(segment);
			return segment;
		} catch (error) {
			if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') throw new SpoolFull('the disk is full');
			throw error;
		}
	}
}

/** Whether a file ends within a record: its writer was killed, and nobody has it. */
async function isTorn(file: string, from: number, size: number): Promise<boolean> {
	const handle = await open(file, 'r');
	try {
		const length = Buffer.alloc(RECORD_HEADER);
		const read = await readFully(handle, length, from);
		return read < RECORD_HEADER || from + RECORD_HEADER + length.readUInt32BE() > size;
	} finally {
		await handle.close();
	}
}

/** Removes what belongs to none of the runs the journal remembers. */
export async function sweepSpool(dir: string, keep: ReadonlySet<string>): Promise<void> {
	const names = (await readdir(dir)).filter((name) => !keep.has(name));
	await Promise.all(names.map((name) => rm(path.join(dir, name), { recursive: true, force: true })));
}

const frameOf = (chunk: Chunk): Frame => decodeFrame(unpack(chunk.frame));

/** What an undamaged chunk holds; null of another. */
const intact = (chunk: Chunk): Frame | null =>
	createHash('sha256').update(chunk.frame).digest().equals(chunk.sha256) ? unlessBad(() => frameOf(chunk)) : null;

function unlessBad<T>(decode: () => T): T | null {
	try {
		return decode();
	} catch (error) {
		if (error instanceof BadFrame) return null;
		throw error;
	}
}

function recordsOf(chunks: readonly Uint8Array[]): Buffer {
	const parts = chunks.flatMap((chunk) => {
		const length = Buffer.alloc(RECORD_HEADER);
		length.writeUInt32BE(chunk.length);
		return [length, chunk];
	});
	return Buffer.concat(parts);
}

/** The chunks of a segment, up to its end or the first record that is not whole. `size`: where to stop; 0: at the file's end. */
async function* readSegment(segment: Segment, size: number): AsyncGenerator<Chunk> {
	const handle = await open(segment.file, 'r');
	try {
		let position = 0;
		for (;;) {
			const want = size === 0 ? READ_BYTES : Math.min(READ_BYTES, size - position);
			const block = Buffer.allocUnsafe(want);
			const bytes = block.subarray(0, await readFully(handle, block, position));
			let at = 0;
			while (at + RECORD_HEADER <= bytes.length) {
				const length = bytes.readUInt32BE(at);
				if (length > CHUNK_MAX || length < CHUNK_HEADER + FRAME_HEADER) return;
				const end = at + RECORD_HEADER + length;
				if (end > bytes.length) break;
				const record = bytes.subarray(at + RECORD_HEADER, end);
				const chunk = unlessBad(() => decodeChunk(record));
				if (!chunk) return;
				yield chunk;
				at = end;
			}
			if (at === 0) return;
			position += at;
		}
	} finally {
		await handle.close();
	}
}
