import { LogLines, type LogLine } from '#domain/log.ts';
import { api } from '#lib/api/client.ts';
import { parse, plain, type Sgr } from './ansi.ts';

const PAGE = 200;
/** What is kept of a log, however long it is: the rest is asked for again when it is scrolled to. */
const PAGES_MAX = 250;
const CHARS_MAX = 16_000_000;

interface Page {
	lines: (LogLine | undefined)[];
	/** The state each line begins in, as far as it was worked out. */
	before: Sgr[];
	chars: number;
	used: number;
	asked: boolean;
}

/**
 * The lines of a run's log by number, from 1. New ones are put in as they arrive; others are fetched when they come into view;
 * those not looked at for longest go first. Rendering reads `version`, which grows when anything visible may have changed.
 */
export class LogStore {
	total = $state(0);
	version = $state(0);
	/** A part could not be fetched: what the viewer tells. */
	failed = $state<unknown>(null);
	// eslint-disable-next-line svelte/prefer-svelte-reactivity -- written thousands of times a second: `version` tells of it
	readonly #pages = new Map<number, Page>();
	readonly #run_id: number;
	#chars = 0;
	#uses = 0;

	constructor(run_id: number) {
		this.#run_id = run_id;
	}

	/** Takes lines in, newer ones in place of older. */
	put(lines: readonly LogLine[]): void {
		const [first] = lines;
		if (!first) return;
		for (const line of lines) this.#set(line);
		const last = lines.at(-1) ?? first;
		this.total = Math.max(this.total, last.line);
		this.#evict();
		this.version++;
	}

	/** What an answer of `/log/lines` says; lines had already stay, for they may be newer. */
	take(answer: LogLines): void {
		for (const line of answer.items) if (!this.get(line.line)) this.#set(line);
		this.total = Math.max(this.total, answer.total_lines);
		this.#evict();
		this.version++;
	}

	get(line: number): LogLine | undefined {
		return this.#pages.get(pageOf(line))?.lines[(line - 1) % PAGE];
	}

	/** Fetches what is missing of these lines, a page at a time. */
	need(from: number, to: number): void {
		for (let n = pageOf(Math.max(1, from)); n <= pageOf(Math.min(to, this.total)); n++) {
			const page = this.#page(n);
			page.used = ++this.#uses;
			const first = n * PAGE + 1;
			const last = Math.min(first + PAGE - 1, this.total);
			if (page.asked) continue;
			for (let line = Math.max(first, from); line <= Math.min(last, to); line++)
				if (!page.lines[line - first]) {
					void this.#fetch(n, page);
					break;
				}
		}
	}

	/** The state a line begins in: carried from the line before, as far back as its page, or the one before it, is here. */
	stateBefore(line: number): Sgr {
		const n = pageOf(line);
		const page = this.#pages.get(n);
		if (!page) return plain;
		const at = (line - 1) % PAGE;
		if (page.before.length === 0) page.before.push(this.#stateAfter(n - 1));
		while (page.before.length <= at) {
			const i = page.before.length - 1;
			page.before.push(parse(page.lines[i]?.text ?? '', page.before[i]).to);
		}
		return page.before[at] ?? plain;
	}

	#stateAfter(n: number): Sgr {
		const page = this.#pages.get(n);
		const last = page?.lines[PAGE - 1];
		const before = page?.before[PAGE - 1];
		return last && before ? parse(last.text, before).to : plain;
	}

	#page(n: number): Page {
		let page = this.#pages.get(n);
		if (!page) {
			page = { lines: new Array<LogLine | undefined>(PAGE), before: [], chars: 0, used: ++this.#uses, asked: false };
			this.#pages.set(n, page);
		}
		return page;
	}

	#set(line: LogLine) {
		const page = this.#page(pageOf(line.line));
		const at = (line.line - 1) % PAGE;
		const grown = line.text.length - (page.lines[at]?.text.length ?? 0);
		page.lines[at] = line;
		page.chars += grown;
		this.#chars += grown;
		page.used = ++this.#uses;
		if (page.before.length > at + 1) page.before.length = at + 1;
	}

	async #fetch(n: number, page: Page) {
		page.asked = true;
		try {
			// An answer may hold fewer lines than asked for, where they are long.
			for (let from = n * PAGE + 1; from <= Math.min((n + 1) * PAGE, this.total);) {
				const answer = await api.get(`/runs/${String(this.#run_id)}/log/lines`, LogLines, {
					query: { from, count: (n + 1) * PAGE + 1 - from },
				});
				this.failed = null;
				if (this.#pages.get(n) !== page) return;
				this.take(answer);
				const last = answer.items.at(-1);
				if (!last) break;
				from = last.line + 1;
			}
		} catch (error) {
			this.failed = error;
		} finally {
			page.asked = false;
		}
	}

	#evict() {
		if (this.#pages.size <= PAGES_MAX && this.#chars <= CHARS_MAX) return;
		const byUse = [...this.#pages].sort(([, a], [, b]) => a.used - b.used);
		for (const [n, page] of byUse.slice(0, -2)) {
			if (this.#pages.size <= PAGES_MAX * 0.8 && this.#chars <= CHARS_MAX * 0.8) return;
			this.#pages.delete(n);
			this.#chars -= page.chars;
		}
	}
}

const pageOf = (line: number) => Math.floor((line - 1) / PAGE);
