import { Timers } from './core/timers.ts';

/** The one alarm of an object, over the moments that wait for it. */
export class Alarm {
	readonly timers: Timers;
	readonly #storage: DurableObjectStorage;
	readonly #later: (work: Promise<unknown>) => void;
	/** When it rings; undefined: not known since the object woke. */
	#at: number | null | undefined;

	constructor(storage: DurableObjectStorage, later: (work: Promise<unknown>) => void) {
		this.timers = new Timers(storage);
		this.#storage = storage;
		this.#later = later;
	}

	/** It rang: the names whose moment has come. */
	rang(now: number): string[] {
		this.#at = null;
		return this.timers.take(now);
	}

	/** Sets it where it would ring too late. One that rings too early, or for nothing, costs less than setting it anew. */
	arm(): void {
		const next = this.timers.next();
		if (next === null && this.#at === undefined) return;
		if (next === this.#at || (next !== null && this.#at && this.#at <= next)) return;
		this.#at = next;
		this.#later(next === null ? this.#storage.deleteAlarm() : this.#storage.setAlarm(next));
	}
}
