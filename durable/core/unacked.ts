import { CHUNK_HEADER, FRAME_HEADER, UNACKED_MAX } from '#protocol/run-frames.ts';

/** Chunks of one run on their way from its agent to its stream: how much is not acknowledged, and what waits to be passed on. */
export class Unacked {
	#waiting: Uint8Array[] = [];
	readonly #sizes = new Map<number, number>();
	#bytes = 0;
	#passing = 0;

	/** Takes a chunk in; false when the agent sent more than it may before it is acknowledged. */
	add(seq: number, chunk: Uint8Array): boolean {
		const size = chunk.length - CHUNK_HEADER - FRAME_HEADER;
		this.#bytes += size - (this.#sizes.get(seq) ?? 0);
		this.#sizes.set(seq, size);
		this.#waiting.push(chunk);
		return this.#bytes <= UNACKED_MAX && this.#waiting.length <= WAITING_MAX;
	}

	/** What is to be passed on now. While much is under way it gathers, so that the stream writes it in one go. */
	take(always = false): Uint8Array[] {
		if (this.#waiting.length === 0 || (this.#passing > 0 && !always)) return [];
		const batch = this.#waiting;
		this.#waiting = [];
		this.#passing++;
		return batch;
	}

	/** A batch that was taken is durable, and with it every chunk up to `seq`. */
	passed(seq: number): void {
		this.#passing--;
		for (const [known, size] of this.#sizes) {
			if (known > seq) break;
			this.#sizes.delete(known);
			this.#bytes -= size;
		}
	}
}

/** Tiny chunks are bounded by their number. */
const WAITING_MAX = 4096;
