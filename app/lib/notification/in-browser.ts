import { goto } from '$app/navigation';
import { type Notification as Told, NotificationPreferences, placeOf } from '#domain/notification.ts';
import { sentence } from '#domain/notification-words.ts';
import { quietUntil } from '#domain/quiet-hours.ts';
import { api } from '#lib/api/client.ts';
import { look } from '#lib/i18n/look.svelte.ts';

/** What the browser showed last, by whichever of its pages. */
const LAST = 'uhub:shown';
/** Another page may not see for a while what this one wrote down: the lock on what is shown is kept for so long. */
const HELD_MS = 120_000;

export type Permission = NotificationPermission | 'missing';
export const permission = (): Permission => ('Notification' in window ? Notification.permission : 'missing');

/** Shows these by the browser, where it was allowed to: one of its open pages does, once. */
export async function inBrowser(fresh: Told[]): Promise<void> {
	if (fresh.length === 0 || permission() !== 'granted') return;
	const { quiet } = await api.get('/me/notification-preferences', NotificationPreferences);
	if (quietUntil(quiet, Date.now()) !== null) return;
	const last = Number(localStorage.getItem(LAST) ?? 0);
	localStorage.setItem(LAST, String(Math.max(last, ...fresh.map(({ id }) => id))));
	for (const it of fresh.filter(({ id }) => id > last).reverse())
		void navigator.locks.request(`${LAST}:${String(it.id)}`, { ifAvailable: true }, async (lock) => {
			if (!lock) return;
			show(it);
			await new Promise((over) => setTimeout(over, HELD_MS));
		});
}

function show(it: Told): void {
	const shown = new Notification(sentence(it, look.locale), {
		tag: `uhub-${String(it.id)}`,
		...(it.about.project !== null && { body: it.about.project }),
	});
	shown.onclick = () => {
		window.focus();
		shown.close();
		void goto(placeOf(it));
	};
}
