import { z } from 'zod';
import { ApiError } from '#client/api-error.ts';
import { m } from '#lib/paraglide/messages.js';
import { fieldMessage } from './field-message.ts';
import { notices } from './notices.svelte.ts';

/** Somebody changed the row meanwhile: who changed what, and the version that mine would go on top of. */
export interface Stale {
	version: number;
	changed: { field: string; by_id: number | null; at: string }[];
}

const Versioned = z.object({ version: z.number() });

/** A form on its way to the hub. Whatever happens, what was typed stays in the fields. */
export class Form {
	busy = $state(false);
	/** What is wrong, by field; '' for what belongs to none. */
	errors = $state.raw<Record<string, string>>({});
	stale = $state.raw<Stale | null>(null);

	/** The value as the schema reads it, or null with `errors` set: most mistakes need no round trip. */
	check<S extends z.ZodType>(schema: S, value: unknown): z.output<S> | null {
		const result = schema.safeParse(value);
		this.errors = result.success
			? {}
			: Object.fromEntries(result.error.issues.map((i) => [i.path.join('.'), fieldMessage(i.message)]));
		return result.success ? result.data : null;
	}

	/** What was found wrong in another way than by a schema; true when nothing was. */
	take(errors: readonly { path: string; message: string }[]): boolean {
		this.errors = Object.fromEntries(errors.map((e) => [e.path, fieldMessage(e.message)]));
		return errors.length === 0;
	}

	/** Does the work, once at a time. True when it was done; else the form says why not. */
	async send(title: string, work: () => Promise<unknown>): Promise<boolean> {
		if (this.busy) return false;
		this.busy = true;
		this.stale = null;
		try {
			await work();
			return true;
		} catch (error) {
			this.#refused(error, title);
			return false;
		} finally {
			this.busy = false;
		}
	}

	#refused(error: unknown, title: string) {
		const problem = error instanceof ApiError ? error.problem : null;
		const current = Versioned.safeParse(problem?.current);
		if (problem?.status === 412 && current.success) {
			this.stale = { version: current.data.version, changed: problem.changed };
			return;
		}
		if (problem && problem.errors.length > 0) this.take(problem.errors);
		else notices.error(error, title, m.error_kept());
	}
}
