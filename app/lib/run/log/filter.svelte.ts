import type { LogStream } from '#domain/log.ts';
import { LogHits, LogLines, type LogLine } from '#domain/log.ts';
import type { Tool } from '#domain/tool.ts';
import { api } from '#lib/api/client.ts';
import { isOf, soughtFor } from '../hosts.ts';

const BATCH = 1000;
const HITS = 500;
/** The most line numbers that are kept. */
const LINES_MAX = 1_000_000;

/** One of a run's hosts, and the tool that tells of it in the log. */
export interface OfHost {
	host: string;
	tool: Tool;
}

/** The lines of one stream, of one host, or of both, by their numbers: looked through from the log's beginning, then kept up by what arrives. */
export class LogFilter {
	stream = $state<LogStream | null>(null);
	of = $state.raw<OfHost | null>(null);
	lines: number[] = [];
	version = $state(0);
	/** How far it has looked, in lines, while it still looks. */
	scanned = $state<number | null>(null);
	error = $state<unknown>(null);
	readonly #run_id: number;
	#latest = 0;

	constructor(run_id: number) {
		this.#run_id = run_id;
	}

	/** Not all lines are shown. */
	get on(): boolean {
		return this.stream !== null || this.of !== null;
	}

	choose(stream: LogStream | null): Promise<void> {
		this.stream = stream;
		return this.#look();
	}

	chooseHost(of: OfHost | null): Promise<void> {
		this.of = of;
		return this.#look();
	}

	/** Lines that arrived; while it still looks they are found later. */
	arrived(lines: readonly LogLine[]): void {
		if (this.on && this.scanned === null) this.#add(lines);
	}

	async #look(): Promise<void> {
		const mine = ++this.#latest;
		this.lines = [];
		this.error = null;
		this.scanned = this.on ? 0 : null;
		this.version++;
		if (!this.on) return;
		try {
			// A host's lines can be searched for; which are of a stream is seen by looking at each.
			const steps = this.of ? this.#search(this.of) : this.#read();
			for await (const { lines, until } of steps) {
				if (mine !== this.#latest) return;
				this.#add(lines);
				this.scanned = until;
				if (this.lines.length >= LINES_MAX) break;
			}
		} catch (error) {
			if (mine === this.#latest) this.error = error;
		}
		if (mine === this.#latest) this.scanned = null;
	}

	async *#read() {
		for (let from = 1; ;) {
			const query = { from, count: BATCH };
			const { items, total_lines } = await api.get(`/runs/${String(this.#run_id)}/log/lines`, LogLines, { query });
			const until = items.at(-1)?.line ?? total_lines;
			yield { lines: items, until };
			if (until >= total_lines) return;
			from = until + 1;
		}
	}

	async *#search({ host, tool }: OfHost) {
		for (let from_line: number | null = 1; from_line !== null;) {
			const query = { q: soughtFor(host, tool), from_line, limit: HITS };
			const answer: LogHits = await api.get(`/runs/${String(this.#run_id)}/log/search`, LogHits, { query });
			// A lane's line begins with its host; what is shown of a line begins where it does, if the hit is near.
			const lines = answer.items.filter(({ at }) => tool === 'ansible' || at === 0);
			yield { lines, until: answer.items.at(-1)?.line ?? from_line };
			from_line = answer.next_from_line;
		}
	}

	#add(lines: readonly Pick<LogLine, 'line' | 'stream' | 'text'>[]) {
		const after = this.lines.at(-1) ?? 0;
		for (const { line, stream, text } of lines) {
			if (line <= after || this.lines.length >= LINES_MAX) continue;
			if (this.stream !== null && stream !== this.stream) continue;
			if (this.of && !isOf(text, this.of.host, this.of.tool)) continue;
			this.lines.push(line);
		}
		this.version++;
	}
}
