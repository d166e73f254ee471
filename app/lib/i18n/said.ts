import { getLocale } from '#lib/paraglide/runtime.js';

/** A message without inputs, as the build writes it (scripts/vite/lean-libraries.mjs). */
export const said =
	(en: string, fr: string) =>
	(_inputs: object = {}, { locale = getLocale() }: { locale?: 'en' | 'fr' } = {}): string =>
		locale === 'en' ? en : fr;
