import { untrack } from 'svelte';
import { changes } from './changes.ts';
import type { Form } from './form.svelte.ts';

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/**
 * What a form holds of a row that changes beneath it. As long as nobody typed it follows the row; what was typed stays, and the
 * form says what somebody else changed. To be created while a component is set up.
 */
export class Edited<D extends object> {
	draft: D;
	/** What the edit began on, and its version: the hub must be able to tell. */
	original: D;
	base: number;
	readonly #row: () => { version: number; updated_at: string } | null;
	readonly #begin: () => D;
	readonly #form: Form;

	/** `begin` makes the draft of the row as it is, or of a new one. */
	constructor(form: Form, row: () => { version: number; updated_at: string } | null, begin: () => D) {
		this.#form = form;
		this.#row = row;
		this.#begin = begin;
		const now = untrack(begin);
		this.original = $state.raw(now);
		this.draft = $state(structuredClone(now));
		this.base = $state.raw(untrack(row)?.version ?? 0);
		$effect(() => {
			this.#follow();
		});
	}

	get dirty(): boolean {
		return !same(this.draft, this.original);
	}

	/** Gives up what was typed for the row as it is. */
	take(): void {
		this.original = this.#begin();
		this.draft = structuredClone(this.original);
		this.base = this.#row()?.version ?? 0;
		this.#form.stale = null;
	}

	/** What was typed is the row now. */
	saved(version: number): void {
		this.original = { ...this.draft };
		this.base = version;
	}

	#follow() {
		const row = this.#row();
		const theirs = this.#begin();
		if (row === null || this.#form.busy) return;
		untrack(() => {
			if (row.version <= this.base) return;
			const moved = Object.keys(changes(this.original, theirs));
			// What changed may be nothing that the form shows: a job that began to run.
			if (moved.length === 0) this.base = row.version;
			else if (!this.dirty || same(this.draft, theirs)) this.take();
			else {
				const changed = moved.map((field) => ({ field, by_id: null, at: row.updated_at }));
				this.#form.stale = { version: row.version, changed };
			}
		});
	}
}
