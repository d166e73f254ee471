import { NotAnInventory } from './budget.ts';

/** A line's words as Python's `shlex.split(line, comments=True)` gives them: quotes, escapes, and `#` ends the line. */
export function shellWords(line: string): string[] {
	const words: string[] = [];
	let word = '';
	/** Between words, in one, or the quote that is open. */
	let state: ' ' | 'a' | '"' | "'" = ' ';
	let quoted = false;
	const end = () => {
		if (word !== '' || quoted) words.push(word);
		word = '';
		quoted = false;
		state = ' ';
	};
	for (let at = 0; at < line.length; at++) {
		const char = line.charAt(at);
		if (state === '"' || state === "'") {
			if (char === state) state = 'a';
			else if (char === '\\' && state === '"') {
				const next = line.charAt(++at);
				if (next === '') throw new NotAnInventory('ends in a backslash');
				word += next === '\\' || next === '"' ? next : `\\${next}`;
			} else word += char;
		} else if (/[ \t\r\n]/.test(char)) end();
		else if (char === '#') break;
		else if (char === '\\') {
			const next = line.charAt(++at);
			if (next === '') throw new NotAnInventory('ends in a backslash');
			word += next;
			state = 'a';
		} else if (char === '"' || char === "'") {
			state = char;
			quoted = true;
		} else {
			word += char;
			state = 'a';
		}
	}
	if (state === '"' || state === "'") throw new NotAnInventory('has a quotation mark that is not closed');
	end();
	return words;
}
