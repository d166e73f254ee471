import { createHash } from 'node:crypto';
import {
	type Chunk,
	encodeChunk,
	encodeFrame,
	type Frame,
	type Gap,
	Kind,
	PAYLOAD_MAX,
	Stream,
} from '#protocol/run-frames.ts';
import { parseRecord, type RunRecord } from '#protocol/run-record.ts';
import type { OutputStream } from './executors/contract.ts';
import type { Told } from './journal.ts';
import { Lane } from './lane.ts';
import { type Forms, Masker } from './mask.ts';
import { pack } from './packing.ts';
import { type Spool, SpoolFull } from './spool.ts';

/** After a batch, the next waits this long, unless it fills up before: the first line of a burst leaves at once. */
export const BATCH_MS = 16;
const BATCH_BYTES = 65_536;
/** The most that is written with one sync. */
const WRITE_BYTES = 1_048_576;
/** Bytes not yet in the spool at which the pipes are no longer read, and at which they are again. */
const HIGH_WATER = 1_048_576;
const LOW_WATER = 524_288;
/** How long to wait before asking a full disk again. */
const RETRY_FULL_MS = 250;

interface Piece {
	kind: typeof Kind.log | typeof Kind.record;
	stream: Stream;
	t_ms: number;
	bytes: Buffer[];
	length: number;
}

export interface StreamerOptions {
	run_id: number;
	epoch: number;
	spool: Spool;
	forms: Forms;
	/** How much of what comes is in the spool already, and is told again: it is left out. */
	known?: Pick<Told, 'stdout' | 'stderr' | 'records'>;
	/** block: wait for room, and let the script wait. gap: drop what does not fit, and say so in the log. */
	whenFull: 'block' | 'gap';
	/** Milliseconds UTC. */
	now: () => number;
	/** The hub takes packed chunks. */
	packs: () => boolean;
	/** These chunks are in the spool and may be sent: whatever becomes of this process, it is these or none under their numbers. */
	onWritten: (chunks: Chunk[]) => void;
	/** The spool takes no more, for good: what comes from now on is lost. */
	onBroken: (error: unknown) => void;
}

/** A run's output on its way to the spool: masked, cut into batches, numbered, and written before it is sent. */
export class LogStreamer {
	readonly #o: StreamerOptions;
	readonly #maskers: Record<OutputStream, Masker>;
	#pieces: Piece[] = [];
	#pending = 0;
	#offset = 0;
	#seq = 0;
	#dropped = 0;
	#endsLine = true;
	#lastBatch = -Infinity;
	#timer: NodeJS.Timeout | null = null;
	#pumping: Promise<void> | null = null;
	#ending = false;
	#broken = false;
	#waiting: (() => void)[] = [];
	readonly #known: { stdout: number; stderr: number; records: number };

	constructor(options: StreamerOptions) {
		this.#o = options;
		this.#known = { stdout: 0, stderr: 0, records: 0, ...options.known };
		this.#offset = options.spool.bytes;
		this.#seq = options.spool.last_seq;
		this.#maskers = {
			[Stream.stdout]: new Masker(options.forms),
			[Stream.stderr]: new Masker(options.forms),
		};
	}

	/** Takes output. A promise means: enough for now, read on when it resolves. */
	write(stream: OutputStream, bytes: Buffer): Promise<void> | undefined {
		return this.#accept(stream, this.#maskers[stream].push(bytes));
	}

	/** A host's own way into the log, where there are several. */
	lane(host: string): Lane {
		return new Lane(host, this.#o.forms, (stream, bytes) => this.#accept(stream, bytes));
	}

	/** A line of the agent's own among the output. */
	note(stream: OutputStream, text: string): void {
		const masker = new Masker(this.#o.forms);
		const line = Buffer.concat([masker.push(Buffer.from(text)), masker.end()]);
		this.#take(stream, Buffer.concat([Buffer.from(this.#endsLine ? '' : '\n'), line, Buffer.from('\n')]));
	}

	/** Something to know beside the output, at this place of it. Its texts are masked like those of the output. */
	record(record: RunRecord): void {
		if (this.#broken) return;
		const masker = new Masker(this.#o.forms);
		const payload = Buffer.concat([masker.push(Buffer.from(JSON.stringify(record))), masker.end()]);
		// A mask can only make it something else where a secret is a word of the protocol: then there is nothing to tell.
		if (!parseRecord(payload)) return;
		if (this.#known.records > 0) {
			this.#known.records--;
			return;
		}
		this.#pending += payload.length;
		const piece = {
			kind: Kind.record,
			stream: Stream.none,
			t_ms: this.#o.now(),
			bytes: [payload],
			length: payload.length,
		};
		this.#pieces.push(piece);
		this.#schedule(false);
	}

	/** Gives out what the maskers still held; resolves when all of the log is in the spool, or the spool is broken. */
	async settle(): Promise<void> {
		for (const stream of [Stream.stdout, Stream.stderr]) this.#take(stream, this.#maskers[stream].end());
		if (this.#timer) clearTimeout(this.#timer);
		do await this.#pump();
		while ((this.#pending > 0 || this.#dropped > 0) && !this.#broken);
	}

	#accept(stream: OutputStream, bytes: Buffer): Promise<void> | undefined {
		this.#take(stream, bytes);
		if (this.#pending < HIGH_WATER) return undefined;
		return new Promise((resolve) => this.#waiting.push(resolve));
	}

	/** Nothing more comes. */
	async end(): Promise<void> {
		this.#ending = true;
		await this.settle();
	}

	#take(stream: OutputStream, all: Buffer): void {
		if (all.length === 0 || this.#broken) return;
		this.#endsLine = all.at(-1) === 0x0a;
		const bytes = this.#unknown(stream === Stream.stdout ? 'stdout' : 'stderr', all);
		if (bytes.length === 0) return;
		this.#pending += bytes.length;
		for (let at = 0; at < bytes.length; at += PAYLOAD_MAX) {
			const part = bytes.subarray(at, at + PAYLOAD_MAX);
			const last = this.#pieces.at(-1);
			if (last?.kind === Kind.log && last.stream === stream && last.length + part.length <= PAYLOAD_MAX) {
				last.bytes.push(part);
				last.length += part.length;
			} else this.#pieces.push({ kind: Kind.log, stream, t_ms: this.#o.now(), bytes: [part], length: part.length });
		}
		this.#schedule();
	}

	/** What of the bytes is not in the spool yet. */
	#unknown(stream: 'stdout' | 'stderr', bytes: Buffer): Buffer {
		const known = Math.min(this.#known[stream], bytes.length);
		this.#known[stream] -= known;
		return bytes.subarray(known);
	}

	/** A record comes along with the output that follows it: sent ahead, it would have the first line wait. */
	#schedule(output = true): void {
		if (this.#pumping || this.#ending) return;
		const now = performance.now();
		const due = (output ? this.#lastBatch : now) + BATCH_MS;
		const wait = this.#pending >= BATCH_BYTES ? 0 : due - now;
		if (wait <= 0) {
			if (this.#timer) clearTimeout(this.#timer);
			this.#timer = null;
			void this.#pump();
		} else this.#timer ??= setTimeout(() => void this.#pump(), wait);
	}

	/** One pump at a time; it goes on while a full batch waits. Never rejects. */
	#pump(): Promise<void> {
		this.#timer = null;
		this.#pumping ??= this.#drain()
			.catch((error: unknown) => {
				this.#broken = true;
				this.#pieces = [];
				this.#pending = 0;
				this.#o.onBroken(error);
			})
			.finally(() => {
				this.#pumping = null;
				this.#wake();
				if (this.#pending > 0) this.#schedule();
			});
		return this.#pumping;
	}

	async #drain(): Promise<void> {
		do {
			this.#lastBatch = performance.now();
			await this.#store(this.#nextPieces());
			this.#wake();
		} while (this.#pending >= BATCH_BYTES || (this.#ending && (this.#pending > 0 || this.#dropped > 0)));
	}

	#wake(): void {
		if (this.#pending > LOW_WATER) return;
		for (const resolve of this.#waiting.splice(0)) resolve();
	}

	#nextPieces(): Piece[] {
		let count = 0;
		let size = 0;
		for (const piece of this.#pieces) {
			if (count > 0 && size + piece.length > WRITE_BYTES) break;
			size += piece.length;
			count++;
		}
		return this.#pieces.splice(0, count);
	}

	/** Puts the pieces into the spool, waiting for room or dropping them as the policy says. */
	async #store(pieces: Piece[]): Promise<void> {
		const size = pieces.reduce((sum, p) => sum + p.length, 0);
		for (;;) {
			try {
				await this.#append(pieces);
				this.#pending -= size;
				return;
			} catch (error) {
				if (!(error instanceof SpoolFull)) throw error;
				if (this.#o.whenFull === 'gap' && size > 0) {
					this.#dropped += size;
					this.#pending -= size;
					return;
				}
				await new Promise((resolve) => setTimeout(resolve, RETRY_FULL_MS));
			}
		}
	}

	async #append(pieces: Piece[]): Promise<void> {
		let offset = this.#offset;
		const frames: Frame[] = [];
		if (this.#dropped > 0) {
			const gap: Gap = { dropped: this.#dropped, reason: 'spool_full' };
			const payload = Buffer.from(JSON.stringify(gap));
			frames.push({ kind: Kind.gap, stream: Stream.none, offset, t_ms: this.#o.now(), payload });
		}
		for (const { kind, stream, t_ms, bytes, length } of pieces) {
			const [only] = bytes;
			const payload = bytes.length === 1 && only ? only : Buffer.concat(bytes, length);
			frames.push({ kind, stream, offset, t_ms, payload });
			if (kind === Kind.log) offset += length;
		}
		if (frames.length === 0) return;
		const chunks = await Promise.all(frames.map((frame, n) => this.#chunk(frame, this.#seq + n + 1)));
		await this.#o.spool.append(chunks.map(encodeChunk), frames);
		this.#offset = offset;
		this.#seq += chunks.length;
		this.#dropped = 0;
		this.#o.onWritten(chunks);
		// Meanwhile the hub makes them durable too; the end of the run waits for both (docs/adr/0023-sent-while-it-is-synced.md).
		await this.#o.spool.sync();
	}

	async #chunk(said: Frame, seq: number): Promise<Chunk> {
		const plain = encodeFrame(said);
		const frame = said.kind === Kind.log && this.#o.packs() ? await pack(plain) : plain;
		const sha256 = createHash('sha256').update(frame).digest();
		return { run_id: this.#o.run_id, epoch: this.#o.epoch, seq, sha256, frame };
	}
}
