import { type Notification, NotificationPage, Unread } from '#domain/notification.ts';
import { api } from '#lib/api/client.ts';
import { hubLine } from '#lib/live/hub-line.ts';
import { inBrowser } from './in-browser.ts';

const SHOWN = 30;

/** What one was told lately, kept by the hub's own line. */
class Told {
	#page = $state.raw<NotificationPage>({ items: [], next_cursor: null, unread: 0 });
	/** What was there when the page was loaded is no news. */
	#newest: number | null = null;
	#asking: Promise<void> | null = null;
	#again = false;

	get items(): Notification[] {
		return this.#page.items;
	}
	get unread(): number {
		return this.#page.unread;
	}

	/** Begins to follow; call the answer to stop. */
	start(): () => void {
		this.#newest = null;
		this.#page = { items: [], next_cursor: null, unread: 0 };
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
