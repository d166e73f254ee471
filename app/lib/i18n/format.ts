import { m } from '#lib/paraglide/messages.js';
import { look } from './look.svelte.ts';

/** Formatters are costly to make and cheap to use: one for each language and shape. */
function kept<O, F>(make: (locale: string, options: O) => F): (options: O) => F {
	const made = new Map<string, F>();
	return (options) => {
		const key = look.locale + JSON.stringify(options);
		let format = made.get(key);
		if (!format) made.set(key, (format = make(look.locale === 'fr' ? 'fr-FR' : 'en-GB', options)));
		return format;
	};
}
const dates = kept((locale, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options));
const numbers = kept((locale, options: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options));
const distances = kept(
	(locale, options: Intl.RelativeTimeFormatOptions) => new Intl.RelativeTimeFormat(locale, options),
);

/** `12 Nov, 14:03`, with the year where it is another one. The viewer's zone. */
export function dateTime(ms: number): string {
	const year = new Date(ms).getFullYear() !== new Date().getFullYear();
	return dates({
		day: 'numeric',
		month: 'short',
		hour: '2-digit',
		minute: '2-digit',
		...(year ? { year: 'numeric' } : {}),
	}).format(ms);
}

export const day = (ms: number): string => dates({ weekday: 'long', day: 'numeric', month: 'long' }).format(ms);
/** Of the days of the week, from Monday on. */
export const weekday = (n: number, style: 'long' | 'short'): string =>
	dates({ weekday: style, timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + n));
export const clock = (ms: number): string => dates({ hour: '2-digit', minute: '2-digit' }).format(ms);
export const clockMs = (ms: number): string =>
	dates({ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 }).format(ms);
/** `2026-11-23 14:03:09 UTC` */
export const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** `3 min ago`, `in 2 h`, and from a week on the date. */
export function relative(ms: number, now: number): string {
	const s = Math.round((ms - now) / 1000);
	const far = Math.abs(s);
	if (far < 5) return m.time_now();
	if (far > 7 * 86_400) return dateTime(ms);
	const words = distances({ style: 'short', numeric: 'auto' });
	if (far < 60) return words.format(s, 'second');
	if (far < 3600) return words.format(Math.round(s / 60), 'minute');
	if (far < 86_400) return words.format(Math.round(s / 3600), 'hour');
	return words.format(Math.round(s / 86_400), 'day');
}

/** `240 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(ms: number): string {
	if (ms < 1000) return `${String(Math.round(ms))} ms`;
	const s = ms / 1000;
	if (s < 60) return `${number(s, 1)} s`;
	const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
	if (s < 3600) return `${String(Math.floor(s / 60))} min ${two(s % 60)} s`;
	if (s < 86_400) return `${String(Math.floor(s / 3600))} h ${two((s % 3600) / 60)} min`;
	return `${String(Math.floor(s / 86_400))} ${m.unit_day()} ${two((s % 86_400) / 3600)} h`;
}

export const number = (n: number, digits = 0): string => numbers({ maximumFractionDigits: digits }).format(n);

/** `412 B`, `38 KiB`, `1.4 MiB`. */
export function bytes(n: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let at = 0;
	while (n >= 1024 && at < units.length - 1) {
		n /= 1024;
		at++;
	}
	return `${number(n, at === 0 || n >= 100 ? 0 : 1)} ${units[at] ?? ''}`;
}

/** A time as `<input type="datetime-local">` holds it: the viewer's zone, to the minute. '' for none. */
export function toLocalInput(iso: string | null): string {
	if (!iso) return '';
	const at = new Date(iso);
	return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The inverse of `toLocalInput`. */
export const fromLocalInput = (text: string): string | null => (text ? new Date(text).toISOString() : null);
