import { ESCAPES, isSgr, visible } from '#domain/terminal.ts';

/** How a stretch of a line looks: colours are palette numbers (0–255) or `#rrggbb`. */
export interface Sgr {
	readonly fg: number | string | null;
	readonly bg: number | string | null;
	readonly bold: boolean;
	readonly dim: boolean;
	readonly italic: boolean;
	readonly underline: boolean;
	readonly strike: boolean;
	readonly inverse: boolean;
}

export interface Span {
	text: string;
	sgr: Sgr;
}

export const plain: Sgr = {
	fg: null,
	bg: null,
	bold: false,
	dim: false,
	italic: false,
	underline: false,
	strike: false,
	inverse: false,
};

const PARAMETERS_MAX = 32;

/**
 * A line's text as spans, beginning in the state `from` that the line before left. Only SGR acts; of every other escape nothing is
 * left. The spans' texts hold no escape and no control character but tabs.
 */
export function parse(text: string, from: Sgr = plain): { spans: Span[]; to: Sgr } {
	const spans: Span[] = [];
	let sgr = from;
	let at = 0;
	const add = (part: string) => {
		if (part === '') return;
		const last = spans.at(-1);
		if (last?.sgr === sgr) last.text += visible(part);
		else spans.push({ text: visible(part), sgr });
	};
	for (const match of text.matchAll(ESCAPES)) {
		add(text.slice(at, match.index));
		at = match.index + match[0].length;
		const [, parameters, intermediates, final] = match;
		if (isSgr(parameters, intermediates, final)) sgr = applied(sgr, parameters ?? '');
	}
	add(text.slice(at));
	return { spans: spans.filter((s) => s.text !== ''), to: sgr };
}

/** The state after these parameters of an SGR sequence, as `1;38;5;208`. What is not known is passed over. */
function applied(sgr: Sgr, parameters: string): Sgr {
	const next = { ...sgr };
	const groups = parameters.split(';').slice(0, PARAMETERS_MAX);
	for (let i = 0; i < groups.length; i++) {
		const [head = '', ...sub] = (groups[i] ?? '').split(':');
		const code = head === '' ? 0 : Number(head);
		if (code === 0) Object.assign(next, plain);
		else if (code === 1) next.bold = true;
		else if (code === 2) next.dim = true;
		else if (code === 3) next.italic = true;
		else if (code === 4) next.underline = sub[0] !== '0';
		else if (code === 7) next.inverse = true;
		else if (code === 9) next.strike = true;
		else if (code === 21) next.underline = true;
		else if (code === 22) next.bold = next.dim = false;
		else if (code === 23) next.italic = false;
		else if (code === 24) next.underline = false;
		else if (code === 27) next.inverse = false;
		else if (code === 29) next.strike = false;
		else if (code >= 30 && code <= 37) next.fg = code - 30;
		else if (code >= 90 && code <= 97) next.fg = code - 90 + 8;
		else if (code >= 40 && code <= 47) next.bg = code - 40;
		else if (code >= 100 && code <= 107) next.bg = code - 100 + 8;
		else if (code === 39) next.fg = null;
		else if (code === 49) next.bg = null;
		else if (code === 38 || code === 48) {
			const inColons = sub.length > 0;
			const rest = inColons ? sub : groups.slice(i + 1);
			const [colour, used] = colourOf(rest, inColons);
			if (!inColons) i += used;
			if (colour !== null) next[code === 38 ? 'fg' : 'bg'] = colour;
		}
	}
	return next;
}

/** `5;n` or `2;r;g;b` (in colons also `2:<space>:r:g:b`), and how many parameters it took. */
function colourOf(rest: string[], inColons: boolean): [number | string | null, number] {
	const byte = (s: string | undefined) =>
		s !== undefined && /^\d{0,3}$/.test(s) && Number(s) <= 255 ? Number(s) : null;
	if (rest[0] === '5') return [byte(rest[1]), 2];
	if (rest[0] !== '2') return [null, 1];
	const rgb = (inColons && rest.length >= 5 ? rest.slice(2, 5) : rest.slice(1, 4)).map(byte);
	if (rgb.length < 3 || rgb.includes(null)) return [null, 4];
	return [`#${rgb.map((n) => (n ?? 0).toString(16).padStart(2, '0')).join('')}`, 4];
}

// eslint-disable-next-line no-control-regex -- an escape is what it looks for
const sgrSequence = /\u001b\[[\d;:]*m/gu;
const KEPT_MAX = 16;

/** The SGR sequences of text that is overwritten: their effect outlives it. Those before a reset have none. */
export function sgrOf(text: string): string {
	const all = text.match(sgrSequence) ?? [];
	const reset = all.findLastIndex((s) => s === '\u001b[m' || s === '\u001b[0m');
	return all.slice(Math.max(0, reset)).slice(-KEPT_MAX).join('');
}

/** What a line that a progress bar wrote over and over (`10%\r20%\r`) shows in the end. */
export function collapse(text: string): string {
	const body = text.replace(/\r+$/u, '');
	const last = body.lastIndexOf('\r');
	return last === -1 ? body : sgrOf(body.slice(0, last)) + body.slice(last + 1);
}

/** The 256 colours from 16 on: a cube of 6 × 6 × 6, then greys. The first 16 belong to the theme. */
export function paletteColour(n: number): string {
	const hex = (v: number) => v.toString(16).padStart(2, '0');
	if (n >= 232) return `#${hex(8 + (n - 232) * 10).repeat(3)}`;
	const step = (v: number) => hex(v === 0 ? 0 : 55 + v * 40);
	const c = n - 16;
	return `#${step(Math.floor(c / 36))}${step(Math.floor(c / 6) % 6)}${step(c % 6)}`;
}
