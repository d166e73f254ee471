import type { Ended, Kind } from './contract.ts';

/** WebSockets that have to come to nothing, one after the other, while the hub answers plain requests. */
const TRIES = 3;
/** When a WebSocket is tried again beside a connection without one: at first, and at last. */
const AGAIN_FIRST_MS = 60_000;
const AGAIN_MAX_MS = 900_000;

/** By what the hub is dialled: a WebSocket, unless something keeps them out. Pure. */
export class Choice {
	#keptOut = 0;
	#misses = 0;
	#again = AGAIN_FIRST_MS;

	get next(): Kind {
		return this.#keptOut >= TRIES ? 'long-poll' : 'websocket';
	}

	/** How long after the last word about it a WebSocket is worth another try. */
	get againAfterMs(): number {
		return this.#again;
	}

	/** The hub let the agent in. */
	welcomed(kind: Kind): void {
		this.#misses = 0;
		if (kind !== 'websocket') return;
		this.#keptOut = 0;
		this.#again = AGAIN_FIRST_MS;
	}

	/** A WebSocket that was tried beside a connection that works came to nothing. */
	probeFailed(): void {
		this.#again = Math.min(AGAIN_MAX_MS, this.#again * 2);
	}

	/** A connection ended before the hub let the agent in. `reachable`: plain requests reached the hub at that time. */
	failed(kind: Kind, how: Ended['how'], reachable: boolean): void {
		if (kind === 'websocket') {
			if (how === 'kept_out' && reachable) this.#keptOut++;
			return;
		}
		// A hub that has no such address gets WebSockets for good; one that is away for a while gets one now and then.
		this.#misses++;
		if (how === 'unknown_here') this.#keptOut = 0;
		else if (this.#misses % TRIES === 0) this.#keptOut = TRIES - 1;
	}
}
