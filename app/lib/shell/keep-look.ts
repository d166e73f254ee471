import { invalidate } from '$app/navigation';
import { type Locale, type Theme, User } from '#domain/user.ts';
import { api } from '#lib/api/client.ts';
import { m } from '#lib/paraglide/messages.js';
import { notices } from '#lib/ui/notices.svelte.ts';

/** Keeps a choice of theme or language with the person, for their other browsers. Here it holds already. */
export async function keepLook(me: User, choice: { theme?: Theme; locale?: Locale }): Promise<void> {
	try {
		await api.patch('/me', me.version, choice, User);
		await invalidate('app:hub');
	} catch (error) {
		notices.error(error, m.look_not_kept());
	}
}
