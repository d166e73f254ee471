import { UnreadOf } from '#domain/unread.ts';
import { api } from '#lib/api/client.ts';
import { hubLine } from '#lib/live/hub-line.ts';
import type { Told } from './told.svelte.ts';

/** How much is unread. What that is, is fetched when there is news or somebody asks: no page has to load it before. */
class Bell {
	#unread = $state(0);
	#told = $state.raw<Told | null>(null);
	/** The latest that was there when the page was loaded; null: not known. */
	#newest: number | null = null;
	#stop: (() => void) | null = null;

	get unread(): number {
		return this.#told?.unread ?? this.#unread;
	}

	/** Begins to follow; call the answer to stop. */
	start(): () => void {
		const stop = hubLine.hear('notification', () => void this.fetch());
		this.#stop = stop;
		void this.#count(stop);
		return () => {
			this.#stop?.();
			this.#stop = this.#told = this.#newest = null;
			this.#unread = 0;
		};
	}

	async #count(began: () => void): Promise<void> {
		try {
			const { unread, items } = await api.get('/me/notifications', UnreadOf, { query: { limit: 1 } });
			if (this.#stop !== began) return;
			this.#unread = unread;
			this.#newest = items[0]?.id ?? 0;
		} catch {
			// The next news asks again.
		}
	}

	/** What one was told, from now on. */
	async fetch(): Promise<void> {
		const began = this.#stop;
		const { told } = await import('./told.svelte.ts');
		if (this.#told || began === null || this.#stop !== began) return;
		began();
		this.#stop = told.start(this.#newest, this.#unread);
		this.#told = told;
	}
}

export const bell = new Bell();
