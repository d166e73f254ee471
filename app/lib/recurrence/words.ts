import type { Recurrence } from '#domain/recurrence.ts';
import { type Frequency, type Weekday, weekdays } from '#domain/rrule.ts';
import { weekday } from '#lib/i18n/format.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';
import { here, recurrenceDraft, ruleOf } from './draft.ts';

export const frequency: Words<Frequency> = {
	HOURLY: m.recurs_hourly,
	DAILY: m.recurs_daily,
	WEEKLY: m.recurs_weekly,
	MONTHLY: m.recurs_monthly,
	YEARLY: m.recurs_yearly,
};

const every: Record<Frequency, (of: { count: number }) => string> = {
	HOURLY: m.recurs_every_hour,
	DAILY: m.recurs_every_day,
	WEEKLY: m.recurs_every_week,
	MONTHLY: m.recurs_every_month,
	YEARLY: m.recurs_every_year,
};

export const dayName = (day: Weekday, style: 'long' | 'short' = 'long'): string =>
	weekday(weekdays.indexOf(day), style);

/** How something comes again, in a few words; a rule that has none is said as it is. */
export function recurrenceWords(recurrence: Recurrence): string {
	const { freq, days, monthly, time_zone } = recurrenceDraft(recurrence);
	const rule = ruleOf(recurrence);
	const zone = time_zone === here() ? [] : [time_zone];
	if (rule === null || freq === 'RULE' || freq === '') return [recurrence.rrule, ...zone].join(' · ');
	const [nth] = rule.byday;
	const on = monthly === 'date' ? days.map((day) => dayName(day, 'short')).join(', ') : nthWords(nth ?? '');
	return [every[freq]({ count: rule.interval }) + (on === '' ? '' : ` (${on})`), ...zone].join(' · ');
}

/** `2nd Tuesday` as the language has it. */
export function nthWords(byday: string): string {
	const day = weekdays.find((one) => byday.endsWith(one)) ?? 'MO';
	const nth = Number(byday.slice(0, -2));
	return nth < 0 ? m.recurs_last({ day: dayName(day) }) : m.recurs_nth({ nth, day: dayName(day) });
}
