/** Why a text is no inventory. The line counts from 1; null where it is the whole. */
export class NotAnInventory extends Error {
	readonly line: number | null;
	constructor(message: string, line: number | null = null) {
		super(message);
		this.line = line;
	}
}

/** Steps one inventory may take: a short text can name a great deal (ranges, aliases, groups of groups). */
const STEPS_MAX = 2_000_000;

export class Budget {
	#left = STEPS_MAX;

	spend(steps = 1): void {
		this.#left -= steps;
		if (this.#left < 0) throw new NotAnInventory('names more than can be worked out here');
	}
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A key that a plain object would take for its prototype is no key. */
export function safeName(name: string): string {
	if (name === '__proto__') throw new NotAnInventory('__proto__ cannot be a name');
	return name;
}
