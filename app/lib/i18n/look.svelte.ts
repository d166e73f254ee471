import { Locale, Theme } from '#domain/user.ts';
import { z } from 'zod';
import { overwriteGetLocale } from '#lib/paraglide/runtime.js';

const Kept = z.object({ theme: Theme, locale: Locale }).partial();
const KEY = 'uhub.look';

function kept(): z.infer<typeof Kept> {
	try {
		return Kept.parse(JSON.parse(localStorage.getItem(KEY) ?? '{}'));
	} catch {
		return {};
	}
}

/** How the hub looks and speaks here: the person's own choice once they are signed in, else this browser's. */
class Look {
	#theme = $state<Theme>('dark');
	#locale = $state<Locale>('en');

	constructor() {
		const { theme = 'dark', locale = navigator.language.startsWith('fr') ? 'fr' : 'en' } = kept();
		this.set({ theme, locale });
	}

	get theme() {
		return this.#theme;
	}

	get locale() {
		return this.#locale;
	}

	set(change: { theme?: Theme; locale?: Locale }) {
		if (change.theme) this.#theme = change.theme;
		if (change.locale) this.#locale = change.locale;
		document.documentElement.dataset.theme = this.#theme;
		document.documentElement.lang = this.#locale;
		try {
			localStorage.setItem(KEY, JSON.stringify({ theme: this.#theme, locale: this.#locale }));
		} catch {
			// Storage is off: the choice lives as long as the page.
		}
	}
}

export const look = new Look();

// Messages read the locale from a rune, so a change of language re-renders every one of them in place.
overwriteGetLocale(() => look.locale);
