import { CHUNK_HEADER, UNACKED_MAX, weightOf } from '#protocol/run-frames.ts';

/** What is said of one run on its way from its agent to its stream: what waits to be passed on, and how much of its log is not acknowledged. */
export class Unacked<Said> {
	#waiting: Said[] = [];
	/** Of what waits, and of the latest that was taken: how much of the window it fills. */
	#gathered = 0;
	#taken = 0;
	readonly #sizes = new Map<number, number>();
	#bytes = 0;
	#passing = false;

	/** More of a flood is coming than waits now: it is worth a moment, for each list costs its stream a commit. */
	get gathers(): boolean {
		return this.#taken >= FLOOD && this.#gathered < GATHER;
	}

	/** Takes in what is said, in its order. False where too much of it waits. */
	add(said: Said): boolean {
		this.#waiting.push(said);
		return this.#waiting.length <= WAITING_MAX;
	}

	/** Takes in a chunk that can be decoded; false when the agent sent more than it may before it is acknowledged. */
	addChunk(seq: number, chunk: Uint8Array, said: Said): boolean {
		const size = weightOf(chunk.subarray(CHUNK_HEADER));
		this.#bytes += size - (this.#sizes.get(seq) ?? 0);
		this.#gathered += size;
		this.#sizes.set(seq, size);
		return this.add(said) && this.#bytes <= UNACKED_MAX;
	}

	/** What is to be passed on now. While some is under way it gathers, so that the stream writes it in one go. */
	take(): Said[] {
		if (this.#passing) return [];
		const batch = this.#waiting;
		this.#waiting = [];
		this.#taken = this.#gathered;
		this.#gathered = 0;
		this.#passing = batch.length > 0;
		return batch;
	}

	/** What was taken has arrived, and every chunk up to `seq` is durable. */
	passed(seq: number): void {
		this.#passing = false;
		for (const [known, size] of this.#sizes) {
			if (known > seq) break;
			this.#sizes.delete(known);
			this.#bytes -= size;
		}
	}
}

/** What is tiny is bounded by its number. */
const WAITING_MAX = 4096;
/** A list that filled so much of the window is of a flood. */
const FLOOD = 32_768;
/** So many are passed on without waiting for more: the agent sends the other half of what may be under way meanwhile. */
const GATHER = UNACKED_MAX / 2;
