import { m } from '#lib/paraglide/messages.js';
import { getLocale } from '#lib/paraglide/runtime.js';

const dateOf = (day: string): string =>
	new Intl.DateTimeFormat(getLocale() === 'fr' ? 'fr-FR' : 'en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(
		Date.parse(day),
	);

/** What the hub says of a rule, a zone or a first time to programs, for people. */
const known: [RegExp, (found: RegExpExecArray) => string][] = [
	[/^UNTIL is before the start/, m.recurs_wrong_until_before],
	[/^no day is like that/, m.recurs_wrong_no_day],
	[
		/^does not come at the start: after that it comes first on (\d{4}-\d{2}-\d{2})/,
		([, day = '']) => m.recurs_wrong_start({ day: dateOf(day) }),
	],
	[/^never comes again/, m.recurs_wrong_once],
	[/^needs planned_start/, m.recurs_wrong_no_start],
	[
		/^(\w+) takes whole numbers from (-?\d+) to (-?\d+)/,
		([, name = '', min = '', max = '']) => m.recurs_wrong_numbers({ name, min, max }),
	],
	[/^BYDAY takes days/, m.recurs_wrong_days],
	[/^BYDAY takes no number/, m.recurs_wrong_nth],
	[/^expected a rule/, m.recurs_wrong_rule],
	[/^(\w+) is said twice/, ([, name = '']) => m.recurs_wrong_twice({ name })],
	[/^(\w+) is not taken: the time of day/, ([, name = '']) => m.recurs_wrong_time_of_day({ name })],
	[/^(\w+) is (not taken with FREQ=HOURLY|taken with FREQ=)/, ([, name = '']) => m.recurs_wrong_freq_for({ name })],
	[/^(.+) is not taken here/, ([, name = '']) => m.recurs_wrong_name({ name })],
	[/^FREQ must be/, m.recurs_wrong_freq],
	[/^COUNT and UNTIL/, m.recurs_wrong_count_until],
	[/^UNTIL takes/, m.recurs_wrong_until],
	[/^BYSETPOS needs/, m.recurs_wrong_setpos],
	[/^WKST takes/, m.recurs_wrong_wkst],
	[/^expected a time zone/, m.recurs_wrong_zone],
];

/** In the person's language where there are words for it; else as it is. */
export function faultWords(message: string | undefined): string | undefined {
	for (const [test, words] of known) {
		const found = test.exec(message ?? '');
		if (found) return words(found);
	}
	return message;
}
