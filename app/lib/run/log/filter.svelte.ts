import { LogLines, type LogLine, type LogStream } from '#domain/log.ts';
import { api } from '#lib/api/client.ts';

const BATCH = 1000;
/** The most line numbers of one stream that are kept. */
const LINES_MAX = 1_000_000;

/** The lines of one stream, by their numbers: looked through from the log's beginning, then kept up by what arrives. */
export class StreamFilter {
	stream = $state<LogStream | null>(null);
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

	async choose(stream: LogStream | null): Promise<void> {
		const mine = ++this.#latest;
		this.stream = stream;
		this.lines = [];
		this.error = null;
		this.scanned = stream === null ? null : 0;
		this.version++;
		if (stream === null) return;
		try {
			for (let from = 1; this.lines.length < LINES_MAX;) {
				const answer = await api.get(`/runs/${String(this.#run_id)}/log/lines`, LogLines, {
					query: { from, count: BATCH },
				});
				if (mine !== this.#latest) return;
				this.#add(answer.items);
				const last = answer.items.at(-1)?.line ?? answer.total_lines;
				this.scanned = last;
				if (last >= answer.total_lines) break;
				from = last + 1;
			}
		} catch (error) {
			if (mine === this.#latest) this.error = error;
		}
		if (mine === this.#latest) this.scanned = null;
	}

	/** Lines that arrived; while it still looks they are found later. */
	arrived(lines: readonly LogLine[]): void {
		if (this.stream !== null && this.scanned === null) this.#add(lines);
	}

	#add(lines: readonly LogLine[]) {
		const after = this.lines.at(-1) ?? 0;
		for (const line of lines)
			if (line.stream === this.stream && line.line > after && this.lines.length < LINES_MAX) this.lines.push(line.line);
		this.version++;
	}
}
