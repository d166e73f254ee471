import { LogHits } from '#domain/log.ts';
import { api } from '#lib/api/client.ts';

const HITS_MAX = 5000;

/** A search over the whole log, which the hub carries out piece by piece. */
export class LogSearch {
	query = $state('');
	/** The numbers of the lines that hold it, in their order. */
	lines = $state.raw<number[]>([]);
	/** Which of them is looked at, from 0; -1 for none. */
	at = $state(-1);
	busy = $state(false);
	error = $state<unknown>(null);
	readonly #run_id: number;
	#next: number | null = 1;
	#latest = 0;

	constructor(run_id: number) {
		this.#run_id = run_id;
	}

	get line(): number | null {
		return this.lines[this.at] ?? null;
	}

	/** There is more than is kept. */
	get full(): boolean {
		return this.lines.length >= HITS_MAX;
	}

	/** Looks for `query` from the log's beginning, and goes to the first hit at or after line `near`. */
	async start(query: string, near: number): Promise<void> {
		this.query = query;
		this.lines = [];
		this.at = -1;
		this.#next = 1;
		await this.#go(() => {
			if (this.at === -1) this.at = this.lines.findIndex((line) => line >= near);
		});
		if (this.at === -1 && this.lines.length > 0) this.at = 0;
	}

	/** The hit after, or before, going around at the ends. `total` lines are there by now: new ones are looked through too. */
	async step(by: 1 | -1, total: number): Promise<void> {
		if (this.query === '') return;
		if (by === 1 && this.at === this.lines.length - 1 && !this.busy && !this.full) {
			this.#next ??= (this.lines.at(-1) ?? total) + 1;
			await this.#go(() => {});
		}
		const { length } = this.lines;
		if (length > 0) this.at = (this.at + by + length) % length;
	}

	clear(): void {
		this.#latest++;
		this.query = '';
		this.lines = [];
		this.at = -1;
		this.busy = false;
		this.error = null;
	}

	async #go(found: () => void) {
		const mine = ++this.#latest;
		this.busy = this.query !== '';
		this.error = null;
		try {
			while (this.query !== '' && this.#next !== null && !this.full) {
				const answer = await api.get(`/runs/${String(this.#run_id)}/log/search`, LogHits, {
					query: { q: this.query, from_line: this.#next, limit: 500 },
				});
				if (mine !== this.#latest) return;
				this.lines = [...this.lines, ...answer.items.map((hit) => hit.line)];
				this.#next = answer.next_from_line;
				found();
			}
		} catch (error) {
			if (mine === this.#latest) this.error = error;
		} finally {
			if (mine === this.#latest) this.busy = false;
		}
	}
}
