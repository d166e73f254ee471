import { SvelteMap } from 'svelte/reactivity';
import type { z } from 'zod';
import type { Change } from '#protocol/browser.ts';

/** Rows remembered: a bound for pages that stay open for days. */
const ROWS_MAX = 2000;

type Listener<T> = (id: number, row: T | null) => void;
type Holder<T> = (id: number, row: T | null) => boolean;

/** The rows of one kind that changed while this page was open, at their newest. */
export class Rows<T extends { id: number; version: number }> {
	readonly #changed = new SvelteMap<number, T | null>();
	#listeners: Listener<T>[] = [];
	#holders: Holder<T>[] = [];
	readonly #schema: z.ZodType<T>;

	constructor(schema: z.ZodType<T>) {
		this.#schema = schema;
	}

	/** A row that is not of its schema is left out: the next load has it. */
	take({ id, row }: Change): void {
		const parsed = this.#schema.nullable().safeParse(row);
		if (!parsed.success) return;
		const newer = parsed.data;
		const known = this.#changed.get(id);
		if (newer && known && known.version > newer.version) return;
		this.#changed.delete(id);
		this.#changed.set(id, newer);
		if (this.#changed.size > ROWS_MAX)
			for (const oldest of [...this.#changed.keys()].slice(0, ROWS_MAX / 4)) this.#changed.delete(oldest);
		for (const listener of this.#listeners) listener(id, newer);
	}

	/** `rows` with what is newer, and without what is gone. */
	merge<R extends { id: number; version: number }>(rows: readonly R[]): R[] {
		return rows.flatMap((row) => {
			const newer = this.#changed.get(row.id);
			if (newer === null) return [];
			return [newer && newer.version > row.version ? { ...row, ...newer } : row];
		});
	}

	/** `holds` says which of the rows are shown here and change in place, until the answer is called. */
	hold(holds: Holder<T>): () => void {
		this.#holders = [...this.#holders, holds];
		return () => {
			this.#holders = this.#holders.filter((h) => h !== holds);
		};
	}

	/** Whether everybody who shows such rows has that one, and changes it in place. */
	held(id: number): boolean {
		const row = this.#changed.get(id) ?? null;
		return this.#holders.length > 0 && this.#holders.every((holds) => holds(id, row));
	}

	/** Calls `listener` at every change, until the answer is called. */
	on(listener: Listener<T>): () => void {
		this.#listeners = [...this.#listeners, listener];
		return () => {
			this.#listeners = this.#listeners.filter((l) => l !== listener);
		};
	}
}
