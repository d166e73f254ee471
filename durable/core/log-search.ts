import type { LogHit, LogHits } from '#domain/log.ts';
import { type Frame, Kind, Stream } from '#protocol/run-frames.ts';
import { streamName, textOf } from './log-lines.ts';
import { after } from './log-mark.ts';
import type { LogReader, Stretch } from './log-reader.ts';

/** How much of the log one answer looks at, in bytes, and for how long, in ms: whichever comes first. */
const SCAN_MAX = 268_435_456;
const SCAN_MS = 1500;
/** What is shown of a line around a hit, in bytes. */
const SHOW_BEFORE = 80;
const SHOW_AFTER = 240;

export interface Query {
	q: string;
	from_line: number;
	limit: number;
}

/** Lines that hold `q`, upper and lower case alike, a line once. Looks at a bounded part of the log per call. */
export async function searchLog(reader: LogReader, query: Query, now: () => number): Promise<LogHits> {
	if (/[\n\r]/.test(query.q)) return { items: [], next_from_line: null };
	const search = new Search(query);
	const until = now() + SCAN_MS;
	let scanned = 0;
	for await (const stretch of reader.stretches(reader.frameOfLine(query.from_line))) {
		scanned += search.take(stretch);
		if (search.items.length >= query.limit) return { items: search.items, next_from_line: search.hitLine + 1 };
		// A line longer than one answer can look at is left behind, or the search would never get past it.
		if (scanned >= SCAN_MAX || now() > until)
			return { items: search.items, next_from_line: Math.max(search.line, search.hitLine + 1, query.from_line + 1) };
	}
	return { items: search.items, next_from_line: null };
}

/** Matches the UTF-8 bytes of `q`, each byte one character, in either case. Literal: no character means anything else. */
export function matcherOf(q: string): RegExp {
	const source = Array.from(q, (c) => {
		const forms = [c, c.toLowerCase(), c.toUpperCase()].filter((f) => Array.from(f).length === 1);
		return `(?:${[...new Set(forms)].map(bytesOf).join('|')})`;
	});
	return new RegExp(source.join(''), 'g');
}

const bytesOf = (c: string): string =>
	Array.from(Buffer.from(c), (b) => `\\x${b.toString(16).padStart(2, '0')}`).join('');

interface LineStart {
	line: number;
	offset: number;
	stream: number;
	t_ms: number;
}

class Search {
	readonly items: LogHit[] = [];
	/** The line the latest hit is in, and the one that the search has come to. */
	hitLine = 0;
	line = 0;
	readonly #query: Query;
	readonly #matcher: RegExp;
	/** The longest match, in bytes: so much of an unfinished line is kept for what comes next. */
	readonly #keep: number;
	#tail: Uint8Array = new Uint8Array();
	#start: LineStart = { line: 0, offset: 0, stream: Stream.none, t_ms: 0 };

	constructor(query: Query) {
		this.#query = query;
		this.#matcher = matcherOf(query.q);
		this.#keep = Math.max(SHOW_BEFORE, 4 * Array.from(query.q).length);
	}

	/** Looks through a stretch; returns its length in bytes. */
	take({ before, frames }: Stretch): number {
		let mark = before;
		let size = 0;
		// A run of frames of one stream is looked at as one text; where the stream changes or bytes are missing a line ends.
		let run: Frame[] = [];
		for (const frame of frames) {
			const first = run[0];
			if (frame.kind === Kind.record) {
				mark = after(mark, frame);
				continue;
			}
			if (frame.kind === Kind.gap || (first && first.stream !== frame.stream)) {
				this.#look(run);
				this.#tail = new Uint8Array();
				run = [];
			}
			if (frame.kind === Kind.log) {
				const isOpen = mark.open === frame.stream;
				// Where the search begins within a line it is of one before those that are asked for.
				if (run.length === 0 && (!isOpen || this.#start.line === 0)) {
					const { stream, offset, t_ms } = frame;
					this.#tail = new Uint8Array();
					this.#start = { line: mark.lines + (isOpen ? 0 : 1), offset, stream, t_ms };
				}
				run.push(frame);
				size += frame.payload.length;
			}
			mark = after(mark, frame);
			if (this.items.length >= this.#query.limit) return size;
		}
		this.#look(run);
		this.line = mark.lines;
		return size;
	}

	#look(run: readonly Frame[]) {
		const first = run[0];
		if (!first) return;
		const bytes = Buffer.concat([this.#tail, ...run.map((f) => f.payload)]);
		const base = first.offset - this.#tail.length;
		const text = bytes.toString('latin1');
		let from = 0;
		// The line that `from` is in, followed from feed to feed only as far as there are hits.
		let start = this.#start;
		const follow = (to: number) => {
			for (let feed = text.indexOf('\n', from); feed !== -1 && feed < to; feed = text.indexOf('\n', from)) {
				from = feed + 1;
				start = { line: start.line + 1, offset: base + from, stream: first.stream, t_ms: 0 };
			}
			if (start.t_ms === 0) start.t_ms = timeAt(run, start.offset);
		};
		this.#matcher.lastIndex = 0;
		for (let hit = this.#matcher.exec(text); hit; hit = this.#matcher.exec(text)) {
			follow(hit.index);
			if (start.line >= this.#query.from_line && start.line > this.hitLine) {
				this.#hit(bytes, start, hit.index, from);
				if (this.items.length >= this.#query.limit) return;
			}
			const end = text.indexOf('\n', hit.index);
			if (end === -1) break;
			this.#matcher.lastIndex = end + 1;
		}
		follow(text.length);
		this.#start = start;
		this.#tail = bytes.slice(Math.max(from, bytes.length - this.#keep));
	}

	#hit(bytes: Buffer, start: LineStart, at: number, lineFrom: number) {
		const feed = bytes.indexOf(10, at);
		const end = Math.min(feed === -1 ? bytes.length : feed, at + SHOW_AFTER);
		const from = startOfCharacter(bytes, Math.max(lineFrom, at - SHOW_BEFORE));
		this.items.push({
			line: start.line,
			offset: start.offset,
			stream: streamName(start.stream),
			t_ms: start.t_ms,
			text: textOf(bytes.subarray(from, end)),
			at: textOf(bytes.subarray(from, at)).length,
		});
		this.hitLine = start.line;
	}
}

const startOfCharacter = (bytes: Uint8Array, at: number): number => {
	while (at < bytes.length && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++;
	return at;
};

/** When the byte at `offset` was written; the run's first time where it came before the run. */
function timeAt(run: readonly Frame[], offset: number): number {
	const frame = run.findLast((f) => f.offset <= offset) ?? run[0];
	return frame?.t_ms ?? 0;
}
