import { isFinal, type RunItem } from '#domain/run.ts';
import { api } from '#lib/api/client.ts';
import { live } from '#lib/live/live.svelte.ts';
import { RunPage } from '#lib/run/pages.ts';

/** What runs now, everywhere I may look. Kept by the changes the rooms tell; a run not known yet is asked for. */
export class Running {
	#loaded = $state.raw<RunItem[]>([]);
	#timer: ReturnType<typeof setTimeout> | undefined;

	/** Latest first. */
	get runs(): RunItem[] {
		return live.run.merge(this.#loaded).filter((run) => !isFinal(run.status));
	}

	/** Begins to follow; call the answer to stop. */
	start(): () => void {
		void this.#load();
		const stops = [
			live.run.on((id, run) => {
				if (run && !isFinal(run.status) && !this.#loaded.some((r) => r.id === id)) this.#soon();
			}),
			live.hear('run', (missed) => {
				if (missed) this.#soon();
			}),
		];
		return () => {
			for (const stop of stops) stop();
			clearTimeout(this.#timer);
		};
	}

	#soon() {
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			void this.#load();
		}, 200);
	}

	async #load() {
		try {
			const pages = await Promise.all(
				(['running', 'queued'] as const).map((status) => api.get('/runs', RunPage, { query: { status, limit: 50 } })),
			);
			this.#loaded = pages.flatMap((page) => page.items);
		} catch {
			// The count is an extra: the next change asks again.
		}
	}
}

export const running = new Running();
