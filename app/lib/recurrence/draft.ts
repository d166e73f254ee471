import type { Recurrence } from '#domain/recurrence.ts';
import { BadRule, type Frequency, parseRule, type Rule, ruleText, type Weekday, weekdays } from '#domain/rrule.ts';
import { wallAt } from '#domain/time-zone.ts';

export type Ends = 'never' | 'count' | 'until';

/** A recurrence as its fields hold it. What they cannot say is written as a rule. */
export interface RecurrenceDraft {
	freq: '' | Frequency | 'RULE';
	interval: number;
	/** Of a week, beside that of the start. */
	days: Weekday[];
	/** Of a month: by its date, or as its first, second… or last such day. */
	monthly: 'date' | 'nth' | 'last';
	ends: Ends;
	count: number;
	/** The last day. */
	until: string;
	rule: string;
	time_zone: string;
	exdates: string[];
}

export const here = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const nothing = (): RecurrenceDraft => ({
	freq: '',
	interval: 1,
	days: [],
	monthly: 'date',
	ends: 'never',
	count: 10,
	until: '',
	rule: '',
	time_zone: here(),
	exdates: [],
});

const dashed = (day: string) => `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}`;

export function recurrenceDraft(recurrence: Recurrence | null): RecurrenceDraft {
	if (recurrence === null) return nothing();
	const { rrule, time_zone, exdates } = recurrence;
	const rule = parseRule(rrule);
	const draft: RecurrenceDraft = {
		...nothing(),
		...{ freq: rule.freq, interval: rule.interval, rule: rrule, time_zone, exdates: [...exdates] },
		...(rule.count !== null && { ends: 'count', count: rule.count }),
		...(rule.until !== null && { ends: 'until', until: dashed(rule.until) }),
	};
	const { freq, byday } = rule;
	const days = weekdays.filter((day) => byday.includes(day));
	const nth = /^(-?\d)[A-Z]{2}$/.exec(byday.join());
	const simple = rule.bymonth.length + rule.bymonthday.length + rule.bysetpos.length === 0 && rule.wkst === 'MO';
	if (simple && (rule.until === null || rule.until.length === 8)) {
		if (byday.length === 0) return draft;
		if (freq === 'WEEKLY') return { ...draft, days };
		if (freq === 'MONTHLY' && nth?.[1] === '-1') return { ...draft, monthly: 'last' };
		if (freq === 'MONTHLY' && Number(nth?.[1]) > 0) return { ...draft, monthly: 'nth' };
	}
	return { ...draft, freq: 'RULE' };
}

/** The day of the week, and the how manieth of its month, on which something starts in a zone. */
export function dayOfStart(start: string, zone: string): { day: Weekday; nth: number; last: boolean } {
	const wall = new Date(wallAt(Date.parse(start), zone));
	const date = wall.getUTCDate();
	const days = new Date(Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth() + 1, 0)).getUTCDate();
	return { day: weekdays[(wall.getUTCDay() + 6) % 7] ?? 'MO', nth: Math.ceil(date / 7), last: date > days - 7 };
}

function ruleIn(draft: RecurrenceDraft, freq: Frequency, start: string): string {
	const { day, nth } = dayOfStart(start, draft.time_zone);
	const ofWeek = weekdays.filter((one) => one === day || draft.days.includes(one));
	const rule: Rule = {
		freq,
		interval: draft.interval,
		count: draft.ends === 'count' ? draft.count : null,
		until: draft.ends === 'until' ? draft.until.replaceAll('-', '') : null,
		byday:
			freq === 'WEEKLY' && ofWeek.length > 1
				? ofWeek
				: freq === 'MONTHLY' && draft.monthly !== 'date'
					? [`${String(draft.monthly === 'last' ? -1 : nth)}${day}`]
					: [],
		...{ bymonthday: [], bymonth: [], bysetpos: [], wkst: 'MO' },
	};
	return ruleText(rule);
}

/** What the API is sent; null: it does not recur. A zone that is none is for the hub to refuse. */
export function recurrenceIn(draft: RecurrenceDraft, start: string | null): Recurrence | null {
	if (draft.freq === '' || start === null) return null;
	const { time_zone, exdates } = draft;
	try {
		return { rrule: draft.freq === 'RULE' ? draft.rule : ruleIn(draft, draft.freq, start), time_zone, exdates };
	} catch (error) {
		if (error instanceof RangeError) return { rrule: `FREQ=${draft.freq}`, time_zone, exdates };
		throw error;
	}
}

/** A rule taken apart; null where it is none. */
export function ruleOf(recurrence: Recurrence): Rule | null {
	try {
		return parseRule(recurrence.rrule);
	} catch (error) {
		if (error instanceof BadRule) return null;
		throw error;
	}
}
