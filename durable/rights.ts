import { Close } from '#protocol/close-codes.ts';
import type { Watcher } from './watcher.ts';

/** How long what was found of a person's rights holds before it is looked at again. */
const HOLDS_MS = 30_000;

/**
 * Whether those behind the sockets may still be told. A session's end is known from the start. That somebody signed out, was
 * deactivated or lost access is asked of the record, at most every half minute and only while there is something to tell:
 * a socket that is told nothing gives nothing away.
 */
export class Rights {
	readonly #ask: (sessions: number[]) => Promise<Set<number>>;
	readonly #watchers: () => Iterable<[WebSocket, Watcher]>;
	readonly #gone: (ws: WebSocket) => void;
	#askedAt = Date.now();

	constructor(
		ask: (sessions: number[]) => Promise<Set<number>>,
		watchers: () => Iterable<[WebSocket, Watcher]>,
		gone: (ws: WebSocket) => void,
	) {
		this.#ask = ask;
		this.#watchers = watchers;
		this.#gone = gone;
	}

	/** To be called before something is told. */
	look(now: number): void {
		const fresh = now < this.#askedAt + HOLDS_MS;
		const standing: [WebSocket, Watcher][] = [];
		for (const [ws, watcher] of this.#watchers()) {
			if (now >= watcher.expires_at) this.#close(ws, Close.notSignedIn, 'the session has ended');
			else if (!fresh) standing.push([ws, watcher]);
		}
		if (fresh || standing.length === 0) return;
		this.#askedAt = now;
		void this.#askAll(standing);
	}

	async #askAll(standing: readonly [WebSocket, Watcher][]) {
		try {
			const allowed = await this.#ask([...new Set(standing.map(([, { session_id }]) => session_id))]);
			for (const [ws, { session_id }] of standing)
				if (!allowed.has(session_id)) this.#close(ws, Close.notAllowed, 'you may not see this any more');
		} catch (error) {
			// The record is away: nobody is thrown out for that; the next to be told has it asked again.
			this.#askedAt = 0;
			console.error('the rights of those who watch could not be looked at:', error);
		}
	}

	#close(ws: WebSocket, code: number, reason: string) {
		this.#gone(ws);
		try {
			ws.close(code, reason);
		} catch {
			// Already closed.
		}
	}
}
