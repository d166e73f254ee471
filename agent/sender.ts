import { type Chunk, encodeChunk, UNACKED_MAX, weightOf } from '#protocol/run-frames.ts';
import { unpackChunk } from './packing.ts';
import type { Spool } from './spool.ts';

/** What waits in memory to be sent; more is read back from the spool. */
const QUEUE_MAX = 1_048_576;

/**
 * Sends a run's chunks in order, with at most 1 MiB of them unacknowledged, and then its finish. Chunks come from memory while the hub
 * keeps up, and from the spool after a reconnect or when it does not.
 */
export class Sender {
	readonly #spool: Spool;
	readonly #send: (chunk: Uint8Array) => void;
	readonly #sendFinish: () => void;
	readonly #packs: () => boolean;
	readonly #onError: (error: unknown) => void;
	/** The next seq to send; null while the hub has not said where to go on. */
	#next: number | null = null;
	#queue: Chunk[] = [];
	#queued = 0;
	/** Sent and not acknowledged: seq and weight. */
	#window: { seq: number; size: number }[] = [];
	#unacked = 0;
	/** Grows at each connect and disconnect, so that work begun before it stops. */
	#generation = 0;
	#running = false;
	#again = false;
	#reader: AsyncGenerator<Chunk> | null = null;
	/** Read from the spool, and waiting for the window. */
	#peeked: Chunk | null = null;
	#finish: 'none' | 'ready' | 'sent' = 'none';
	/** The spool could not be read: what it held is not sent, and the finish does not wait for it. */
	#broken = false;

	constructor(
		spool: Spool,
		to: {
			chunk: (chunk: Uint8Array) => void;
			finish: () => void;
			/** The hub takes packed chunks: what is packed in the spool need not be unpacked. */
			packs: () => boolean;
			onError: (error: unknown) => void;
		},
	) {
		this.#spool = spool;
		this.#send = to.chunk;
		this.#sendFinish = to.finish;
		this.#packs = to.packs;
		this.#onError = to.onError;
	}

	/** The hub is there and has everything before `next_seq`. */
	resume(next_seq: number): void {
		this.pause();
		this.#broken = false;
		this.#next = Math.max(1, next_seq);
		this.#spool.ack(next_seq - 1);
		void this.#run();
	}

	/** The hub is away: nothing is sent until `resume`. */
	pause(): void {
		this.#generation++;
		this.#next = null;
		this.#queue = [];
		this.#queued = 0;
		this.#window = [];
		this.#unacked = 0;
		this.#closeReader();
		if (this.#finish === 'sent') this.#finish = 'ready';
	}

	/** Chunks that are in the spool now. */
	add(chunks: readonly Chunk[]): void {
		if (this.#next === null) return;
		for (const chunk of chunks) {
			this.#queue.push(chunk);
			this.#queued += weightOf(chunk.frame);
		}
		if (this.#queued > QUEUE_MAX) {
			this.#queue = [];
			this.#queued = 0;
		}
		void this.#run();
	}

	/** The log is whole: when all of it is sent, so is the finish. */
	finish(): void {
		this.#finish = 'ready';
		void this.#run();
	}

	ack(seq: number): void {
		this.#spool.ack(seq);
		while (this.#window[0] && this.#window[0].seq <= seq) this.#unacked -= this.#window.shift()?.size ?? 0;
		void this.#run();
	}

	/** One loop at a time; a call while it runs makes it go round again. */
	async #run(): Promise<void> {
		this.#again = true;
		if (this.#running) return;
		this.#running = true;
		try {
			while (this.#again) {
				this.#again = false;
				while (await this.#step());
			}
		} catch (error) {
			this.#broken = true;
			this.#closeReader();
			this.#onError(error);
			this.#sayFinish();
		} finally {
			this.#running = false;
		}
	}

	/** Sends what may be sent next; true when there may be more to do at once. */
	async #step(): Promise<boolean> {
		if (this.#next === null) return false;
		if (this.#broken) return this.#sayFinish();
		while (this.#queue[0] && this.#queue[0].seq < this.#next) this.#unqueue();
		if (this.#queue[0]?.seq === this.#next) {
			this.#closeReader();
			return this.#sendIfItFits(this.#queue[0]);
		}
		if (this.#next <= this.#spool.last_seq) return this.#stepFromSpool(this.#next);
		return this.#sayFinish();
	}

	#sayFinish(): false {
		if (this.#finish === 'ready' && this.#next !== null) {
			this.#finish = 'sent';
			this.#sendFinish();
		}
		return false;
	}

	async #stepFromSpool(next: number): Promise<boolean> {
		const generation = this.#generation;
		const fresh = this.#reader === null;
		this.#reader ??= this.#spool.read(next);
		if (!this.#peeked) {
			const { value, done } = await this.#reader.next();
			if (generation !== this.#generation) return true;
			if (done) {
				if (fresh) throw new Error(`chunk ${String(next)} is missing from the spool`);
				this.#reader = null;
				return true;
			}
			this.#peeked = value;
		}
		const sent = this.#sendIfItFits(this.#peeked);
		if (sent) this.#peeked = null;
		return sent;
	}

	#closeReader(): void {
		void this.#reader?.return(undefined).catch(this.#onError);
		this.#reader = null;
		this.#peeked = null;
	}

	#sendIfItFits(chunk: Chunk): boolean {
		const sent = this.#packs() ? chunk : unpackChunk(chunk);
		const size = weightOf(sent.frame);
		if (this.#next === null || (this.#unacked > 0 && this.#unacked + size > UNACKED_MAX)) return false;
		this.#send(encodeChunk(sent));
		this.#window.push({ seq: chunk.seq, size });
		this.#unacked += size;
		this.#next = chunk.seq + 1;
		return true;
	}

	#unqueue(): void {
		const chunk = this.#queue.shift();
		if (chunk) this.#queued -= weightOf(chunk.frame);
	}
}
