import type { Json } from './budget.ts';

/** What cannot be a literal; the text is then what it is. */
class NoLiteral extends Error {}

const DEPTH_MAX = 50;
const escapes: Record<string, string> = {
	'\\': '\\',
	"'": "'",
	'"': '"',
	a: '\x07',
	b: '\b',
	f: '\f',
	n: '\n',
	r: '\r',
	t: '\t',
	v: '\v',
};

/** A value in an INI file as Python's `ast.literal_eval` reads it; what is no literal stays the text. */
export function literalOrText(text: string): Json {
	try {
		return new Literal(text).whole();
	} catch (error) {
		if (error instanceof NoLiteral) return text;
		throw error;
	}
}

class Literal {
	readonly #text: string;
	#at = 0;
	#depth = 0;

	constructor(text: string) {
		this.#text = text;
	}

	/** One value; with commas, a tuple; a comment may follow. */
	whole(): Json {
		const first = this.#value();
		const value = this.#sees(',') ? [first, ...this.#values('')] : first;
		this.#space();
		if (this.#at < this.#text.length && this.#text[this.#at] !== '#') throw new NoLiteral();
		return value;
	}

	#value(): Json {
		this.#space();
		const char = this.#text[this.#at] ?? '';
		if (char === '[') return this.#inside(() => this.#values(']'));
		if (char === '(') return this.#inside(() => this.#tuple());
		if (char === '{') return this.#inside(() => this.#dict());
		const string = this.#match(/(?:[rRuU]?)(?='|")/y);
		if (string !== null) return this.#strings(string);
		const word = this.#match(/(?:True|False|None)(?![\w])/y);
		if (word !== null) return word === 'None' ? null : word === 'True';
		return this.#number();
	}

	#inside<T>(read: () => T): T {
		this.#at++;
		if (++this.#depth > DEPTH_MAX) throw new NoLiteral();
		const value = read();
		this.#depth--;
		return value;
	}

	/** Values up to `close`, commas between them, one more allowed at the end. */
	#values(close: ']' | ')' | ''): Json[] {
		const values: Json[] = [];
		for (;;) {
			this.#space();
			if (close === '' ? this.#at >= this.#text.length || this.#text[this.#at] === '#' : this.#sees(close))
				return values;
			values.push(this.#value());
			if (this.#sees(',')) continue;
			if (close === '') return values;
			if (!this.#sees(close)) throw new NoLiteral();
			return values;
		}
	}

	#tuple(): Json {
		if (this.#sees(')')) return [];
		const first = this.#value();
		if (this.#sees(')')) return first;
		if (!this.#sees(',')) throw new NoLiteral();
		return [first, ...this.#values(')')];
	}

	#dict(): Json {
		const pairs: [string, Json][] = [];
		while (!this.#sees('}')) {
			const key = this.#value();
			if (typeof key === 'object' && key !== null) throw new NoLiteral();
			if (key === '__proto__' || !this.#sees(':')) throw new NoLiteral();
			pairs.push([String(key), this.#value()]);
			if (!this.#sees(',') && this.#text[this.#at] !== '}') throw new NoLiteral();
		}
		return Object.fromEntries(pairs);
	}

	/** One string, or several beside each other, which are one. */
	#strings(prefix: string): string {
		let value = this.#string(prefix);
		for (;;) {
			this.#space();
			const next = this.#match(/(?:[rRuU]?)(?='|")/y);
			if (next === null) return value;
			value += this.#string(next);
		}
	}

	#string(prefix: string): string {
		const raw = prefix.toLowerCase() === 'r';
		const quote = this.#match(/'''|"""|'|"/y) ?? '';
		let value = '';
		while (!this.#text.startsWith(quote, this.#at)) {
			const char = this.#text[this.#at++];
			if (char === undefined) throw new NoLiteral();
			if (char !== '\\') value += char;
			else if (raw) value += char + (this.#text[this.#at++] ?? '');
			else value += this.#escape();
		}
		this.#at += quote.length;
		return value;
	}

	#escape(): string {
		const code =
			this.#match(/x([0-9a-fA-F]{2})/y, 1) ??
			this.#match(/u([0-9a-fA-F]{4})/y, 1) ??
			this.#match(/U([0-9a-fA-F]{8})/y, 1);
		if (code !== null) return character(parseInt(code, 16));
		const octal = this.#match(/[0-7]{1,3}/y);
		if (octal !== null) return character(parseInt(octal, 8));
		const char = this.#text[this.#at++];
		if (char === undefined || /[xuUN]/.test(char)) throw new NoLiteral();
		return escapes[char] ?? `\\${char}`;
	}

	#number(): number {
		const sign = this.#match(/[-+]/y) === '-' ? -1 : 1;
		this.#space();
		const number =
			this.#match(/0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+/y) ??
			this.#match(
				/(?:\d(?:_?\d)*)?\.\d(?:_?\d)*(?:[eE][-+]?\d(?:_?\d)*)?|\d(?:_?\d)*\.?[eE][-+]?\d(?:_?\d)*|\d(?:_?\d)*\./y,
			) ??
			this.#match(/[1-9](?:_?\d)*|0(?:_?0)*/y);
		if (number === null || /[\w.]/.test(this.#text[this.#at] ?? '')) throw new NoLiteral();
		const value = sign * Number(number.replaceAll('_', '').replace(/^0+(?=\d)/, ''));
		if (!Number.isFinite(value)) throw new NoLiteral();
		return value === 0 ? 0 : value;
	}

	#sees(char: string): boolean {
		this.#space();
		if (this.#text[this.#at] !== char) return false;
		this.#at++;
		return true;
	}

	#space(): void {
		this.#match(/[ \t\f]*/y);
	}

	#match(pattern: RegExp, group = 0): string | null {
		pattern.lastIndex = this.#at;
		const found = pattern.exec(this.#text);
		if (!found) return null;
		this.#at = pattern.lastIndex;
		return found[group] ?? '';
	}
}

function character(code: number): string {
	if (code > 0x10ffff) throw new NoLiteral();
	return String.fromCodePoint(code);
}
