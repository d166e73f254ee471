import { type Notification, NotificationPage } from '#domain/notification.ts';
import { Unread } from '#domain/unread.ts';
import { api } from '#lib/api/client.ts';
import { hubLine } from '#lib/live/hub-line.ts';
import { inBrowser } from './in-browser.ts';

const SHOWN = 30;

/** What one was told lately, kept by the hub's own line. */
export class Told {
	#page = $state.raw<NotificationPage>({ items: [], next_cursor: null, unread: 0 });
	#newest: number | null = null;
	#asking: Promise<void> | null = null;
	#again = false;

	get items(): Notification[] {
		return this.#page.items;
	}
	get unread(): number {
		return this.#page.unread;
	}

	/**
	 * Begins to follow; call the answer to stop. What came after `newest` is news, and without it what comes from now on; `unread` is shown
	 * until it is known.
	 */
	start(newest: number | null, unread: number): () => void {
		this.#newest = newest;
		this.#page = { items: [], next_cursor: null, unread };
		void this.#ask();
		return hubLine.hear('notification', () => void this.#ask());
	}

	/** Once at a time, and once more where something came meanwhile. */
	async #ask(): Promise<void> {
		this.#again = this.#asking !== null;
		if (this.#asking) return this.#asking;
		this.#asking = this.#load();
		await this.#asking;
		this.#asking = null;
		if (this.#again) await this.#ask();
	}

	async #load(): Promise<void> {
		try {
			this.#page = await api.get('/me/notifications', NotificationPage, { query: { limit: SHOWN } });
		} catch {
			// The next one asks again.
			return;
		}
		const known = this.#newest;
		this.#newest = Math.max(known ?? 0, ...this.items.map(({ id }) => id));
		if (known !== null) void inBrowser(this.items.filter((it) => it.id > known && it.browser && it.read_at === null));
	}

	/** Marks these as read, or all that is shown and what came before it. */
	async read(which: { ids: number[] } | { up_to: number }): Promise<void> {
		await api.post('/me/notifications/read', which, Unread);
		await this.#ask();
	}
}

export const told = new Told();
