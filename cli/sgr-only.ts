import { ESCAPES, isSgr, visible } from '#domain/terminal.ts';

/** The longest start of an escape that is kept for its end to come. */
const HELD_MAX = 4200;
/** An escape that may go on, at the end of what has come so far. */
// eslint-disable-next-line no-control-regex -- an escape is what it looks for
const UNFINISHED = /\u001b(?:\[[0-?]*[ -/]*|[\]PX^_][^\u0007\u001b\n]*\u001b?|[ -/]*)$/u;

/**
 * Lets the text of a log onto a terminal: colours and styles pass (unless `colour` is off), lines end and begin anew, and nothing else
 * acts. The text comes in parts, cut anywhere.
 */
export class SgrOnly {
	readonly #colour: boolean;
	readonly #decoder = new TextDecoder();
	#held = '';
	#styled = false;

	constructor(colour: boolean) {
		this.#colour = colour;
	}

	push(bytes: Uint8Array): string {
		return this.#pass(this.#held + this.#decoder.decode(bytes, { stream: true }), false);
	}

	/** What is left, and an end to the style that was on. */
	end(): string {
		return this.#pass(this.#held + this.#decoder.decode(), true) + (this.#styled ? '\u001b[0m' : '');
	}

	#pass(text: string, last: boolean): string {
		const cut = last ? null : UNFINISHED.exec(text);
		const hold = cut && text.length - cut.index <= HELD_MAX ? cut.index : text.length;
		this.#held = text.slice(hold);
		const ready = text.slice(0, hold);
		let out = '';
		let at = 0;
		for (const match of ready.matchAll(ESCAPES)) {
			out += shown(ready.slice(at, match.index));
			at = match.index + match[0].length;
			const [whole, parameters, intermediates, final] = match;
			if (!this.#colour || !isSgr(parameters, intermediates, final)) continue;
			out += whole;
			this.#styled = !/^[0;:]*$/.test(parameters ?? '');
		}
		return out + shown(ready.slice(at));
	}
}

/** A carriage return goes back in its own line: progress bars live of it. */
const shown = (text: string): string => text.split('\r').map(visible).join('\r');
