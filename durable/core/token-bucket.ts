/** Lets `burst` through at once and `per_s` a second after that. One per socket. */
export class TokenBucket {
	readonly #burst: number;
	readonly #perMs: number;
	#tokens: number;
	#at: number;

	constructor(burst: number, per_s: number, now: number) {
		this.#burst = burst;
		this.#perMs = per_s / 1000;
		this.#tokens = burst;
		this.#at = now;
	}

	/** False when that is one too many. */
	take(now: number): boolean {
		this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#at) * this.#perMs);
		this.#at = now;
		if (this.#tokens < 1) return false;
		this.#tokens--;
		return true;
	}
}
