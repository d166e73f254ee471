import { Close } from '#protocol/close-codes.ts';
import { type Proof, proofKey } from '#domain/proof.ts';
import type { Watcher } from './watcher.ts';

/** How long what was found of a person's rights holds before it is looked at again. */
const HOLDS_MS = 30_000;
/** A socket that was let in before a change may arrive after it was told: so long afterwards newcomers are looked at again. */
const ARRIVES_MS = 10_000;
/** The record may be away: how often it is asked about a change, the pauses doubling. */
const TRIES = 6;
const TRY_AGAIN_MS = 250;

/** Of these sessions and tokens those that stand, by their keys, each with whether who holds it may still see this. */
export type Ask = (proofs: Proof[]) => Promise<Map<string, boolean>>;

/**
 * Whether those behind the sockets may still be told. That somebody signed out, was deactivated or lost access is told by the
 * verb that did it, and the record asked at once, once for all sockets (docs/adr/0008-rights-behind-open-sockets.md). Should that
 * get lost, the record is asked every half minute while there is something to tell: a socket that is told nothing gives nothing
 * away.
 */
export class Rights {
	readonly #ask: Ask;
	readonly #watchers: () => Iterable<[WebSocket, Watcher]>;
	readonly #gone: (ws: WebSocket) => void;
	#askedAt = Date.now();
	#changedAt = 0;

	constructor(ask: Ask, watchers: () => Iterable<[WebSocket, Watcher]>, gone: (ws: WebSocket) => void) {
		this.#ask = ask;
		this.#watchers = watchers;
		this.#gone = gone;
	}

	/** To be called before something is told. */
	look(now: number): void {
		const fresh = now < this.#askedAt + HOLDS_MS;
		const standing: [WebSocket, Watcher][] = [];
		for (const [ws, watcher] of this.#watchers()) {
			if (now >= watcher.expires_at) this.#close(ws, Close.notSignedIn, ENDED);
			else if (!fresh) standing.push([ws, watcher]);
		}
		if (fresh || standing.length === 0) return;
		this.#askedAt = now;
		this.#askAll(standing).catch((error: unknown) => {
			// Nobody is thrown out because the record is away; the next to be told has it asked again.
			this.#askedAt = 0;
			console.error('the rights of those who watch could not be looked at:', error);
		});
	}

	/** The rights of this person (null: of anybody) have changed: who lost them is out when this resolves. */
	async changed(user_id: number | null, now: number): Promise<void> {
		this.#changedAt = now;
		await this.#askOf(user_id);
	}

	/** A socket has come, which the Worker let in a moment ago: rights that changed meanwhile are looked at again. */
	async arrived({ user_id }: Watcher, now: number): Promise<void> {
		if (this.changedLately(now)) await this.#askOf(user_id);
	}

	changedLately(now: number): boolean {
		return now < this.#changedAt + ARRIVES_MS;
	}

	/** When the first of the sessions or tokens ends; null without sockets. */
	get nextEnd(): number | null {
		let next: number | null = null;
		for (const [, { expires_at }] of this.#watchers()) next = Math.min(next ?? expires_at, expires_at);
		return next;
	}

	async #askOf(user_id: number | null) {
		for (let tries = 1; ; tries++)
			try {
				await this.#askAll([...this.#watchers()].filter(([, w]) => user_id === null || w.user_id === user_id));
				return;
			} catch (error) {
				if (tries === TRIES) {
					this.#askedAt = 0;
					throw error;
				}
				await new Promise((done) => setTimeout(done, TRY_AGAIN_MS * 2 ** (tries - 1)));
			}
	}

	async #askAll(standing: readonly [WebSocket, Watcher][]) {
		if (standing.length === 0) return;
		const proofs = new Map(standing.map(([, { proof }]) => [proofKey(proof), proof]));
		const found = await this.#ask([...proofs.values()]);
		for (const [ws, { proof }] of standing) {
			const allowed = found.get(proofKey(proof));
			if (allowed === undefined) this.#close(ws, Close.notSignedIn, ENDED);
			else if (!allowed) this.#close(ws, Close.notAllowed, 'you may not see this any more');
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

const ENDED = 'the session or token has ended';
