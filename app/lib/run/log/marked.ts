import type { Sgr, Span } from './ansi.ts';

export interface MarkedSpan extends Span {
	hit: boolean;
	sgr: Sgr;
}

/** The spans of a line, cut where `query` (literal, upper and lower case alike) begins and ends. '' marks nothing. */
export function marked(spans: readonly Span[], query: string): MarkedSpan[] {
	const text = spans.map((s) => s.text).join('');
	const edges = hits(text, query);
	const out: MarkedSpan[] = [];
	let at = 0;
	for (const span of spans) {
		for (let i = 0; i < span.text.length;) {
			const inside = edges.find(([from, to]) => at + i >= from && at + i < to);
			const next = inside ? inside[1] : (edges.find(([from]) => from > at + i)?.[0] ?? Infinity);
			const end = Math.min(span.text.length, next - at);
			out.push({ text: span.text.slice(i, end), sgr: span.sgr, hit: inside !== undefined });
			i = end;
		}
		at += span.text.length;
	}
	return out;
}

/** Where `query` stands in `text`, from and to. Text whose lower case has another length is looked through as it is. */
function hits(text: string, query: string): [number, number][] {
	if (query === '') return [];
	const lower = text.toLowerCase();
	const [hay, needle] = lower.length === text.length ? [lower, query.toLowerCase()] : [text, query];
	const found: [number, number][] = [];
	for (let at = hay.indexOf(needle); at !== -1 && found.length < 200; at = hay.indexOf(needle, at + needle.length))
		found.push([at, at + needle.length]);
	return found;
}
