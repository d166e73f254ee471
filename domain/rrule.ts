import { z } from 'zod';

// The rules of RFC 5545 by which something comes again, as far as the hub takes them: what it refuses, it refuses by name.

export const frequencies = ['HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'] as const;
export type Frequency = (typeof frequencies)[number];
/** In the order of the week. */
export const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;
export type Weekday = (typeof weekdays)[number];

export const COUNT_MAX = 1_000;
export const INTERVAL_MAX = 1_000;

/** A rule taken apart; what it does not say is null, or empty. */
export interface Rule {
	freq: Frequency;
	interval: number;
	/** How many there are in all. */
	count: number | null;
	/** The last day, in the zone of the series (`20301231`), or the last moment (`20301231T225959Z`). */
	until: string | null;
	/** `MO`, or the first (`1MO`) or the last (`-1MO`) of a month or year. */
	byday: readonly string[];
	bymonthday: readonly number[];
	bymonth: readonly number[];
	bysetpos: readonly number[];
	wkst: Weekday;
}

/** What is wrong with a rule, in words. */
export class BadRule extends Error {}

const DAY = /^(\d{4})(\d{2})(\d{2})$/;
const MOMENT = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;

/** Milliseconds UTC of what UNTIL says; null where it is no date. */
export function untilMs(text: string): number | null {
	const [, ...parts] = MOMENT.exec(text) ?? DAY.exec(text) ?? [];
	const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
	const at = Date.UTC(year, month - 1, day, hour, minute, second);
	const stamp = new Date(parts.length === 0 ? Number.NaN : at);
	if (Number.isNaN(stamp.getTime())) return null;
	const same = stamp.toISOString().slice(0, 19).replace(/[-:]/g, '');
	return text.startsWith(same.slice(0, 8)) && (parts.length === 3 || text === `${same}Z`) ? at : null;
}

function integer(name: string, text: string, min: number, max: number): number {
	const value = /^[+-]?\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
	if (!(value >= min && value <= max) || value === 0)
		throw new BadRule(`${name} takes whole numbers from ${String(min)} to ${String(max)}${min < 0 ? ', not 0' : ''}`);
	return value;
}

/** In their order, each once. */
const integers = (name: string, text: string, min: number, max: number): number[] =>
	[...new Set(text.split(',').map((one) => integer(name, one, min, max)))].sort((a, b) => a - b);

function byDay(text: string, freq: Frequency): string[] {
	const days = text.split(',').map((one) => {
		const [, nth = '', day = ''] = /^([+-]?\d{0,2})([A-Z]{2})$/.exec(one) ?? [];
		const at = weekdays.findIndex((name) => name === day);
		if (at === -1) throw new BadRule('BYDAY takes days of the week, as MO or 1MO');
		if (nth === '') return { day, at, nth: 0 };
		if (freq !== 'MONTHLY' && freq !== 'YEARLY')
			throw new BadRule(`BYDAY takes no number before a day with FREQ=${freq}`);
		return { day, at, nth: integer('BYDAY', nth, freq === 'MONTHLY' ? -5 : -53, freq === 'MONTHLY' ? 5 : 53) };
	});
	days.sort((a, b) => a.nth - b.nth || a.at - b.at);
	return [...new Set(days.map(({ day, nth }) => (nth === 0 ? day : `${String(nth)}${day}`)))];
}

const known = new Set(['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYDAY', 'BYMONTHDAY', 'BYMONTH', 'BYSETPOS', 'WKST']);

function partsOf(text: string): Map<string, string> {
	const parts = new Map<string, string>();
	for (const part of text
		.trim()
		.toUpperCase()
		.replace(/^RRULE:/, '')
		.replace(/;$/, '')
		.split(';')) {
		const at = part.indexOf('=');
		const [name, value] = [part.slice(0, Math.max(at, 0)), part.slice(at + 1)];
		if (at < 1 || value === '') throw new BadRule('expected a rule as FREQ=WEEKLY;BYDAY=MO,TH');
		if (parts.has(name)) throw new BadRule(`${name} is said twice`);
		if (!known.has(name))
			throw new BadRule(
				/^BY(HOUR|MINUTE|SECOND)$/.test(name)
					? `${name} is not taken: the time of day is that of the start`
					: `${name.slice(0, 20)} is not taken here`,
			);
		parts.set(name, value);
	}
	return parts;
}

/** Takes a rule apart. Throws `BadRule`. */
export function parseRule(text: string): Rule {
	const parts = partsOf(text);
	const freq = frequencies.find((one) => one === parts.get('FREQ'));
	if (!freq)
		throw new BadRule(`FREQ must be one of ${frequencies.join(', ')}: nothing comes more often than once an hour`);
	const [count, until] = [parts.get('COUNT'), parts.get('UNTIL')];
	if (count !== undefined && until !== undefined) throw new BadRule('COUNT and UNTIL exclude each other');
	if (until !== undefined && untilMs(until) === null)
		throw new BadRule('UNTIL takes a day, as 20301231, or a time in UTC, as 20301231T225959Z');
	const of = <T>(name: string, none: T, read: (value: string) => T): T => {
		const value = parts.get(name);
		return value === undefined ? none : read(value);
	};
	const [by] = [...parts.keys()].filter((name) => name.startsWith('BY'));
	if (freq === 'HOURLY' && by !== undefined) throw new BadRule(`${by} is not taken with FREQ=HOURLY`);
	const [other] = [...parts.keys()].filter((name) => name.startsWith('BY') && name !== 'BYDAY');
	if (other !== undefined && (freq === 'DAILY' || freq === 'WEEKLY'))
		throw new BadRule(`${other} is taken with FREQ=MONTHLY and FREQ=YEARLY only`);
	if (parts.has('BYSETPOS') && !parts.has('BYDAY') && !parts.has('BYMONTHDAY') && !parts.has('BYMONTH'))
		throw new BadRule('BYSETPOS needs another BY… beside it');
	const wkst = weekdays.find((day) => day === (parts.get('WKST') ?? 'MO'));
	if (!wkst) throw new BadRule('WKST takes a day of the week, as MO');
	return {
		freq,
		interval: of('INTERVAL', 1, (value) => integer('INTERVAL', value, 1, INTERVAL_MAX)),
		count: of<number | null>('COUNT', null, (value) => integer('COUNT', value, 1, COUNT_MAX)),
		until: until ?? null,
		byday: of('BYDAY', [], (value) => byDay(value, freq)),
		bymonthday: of('BYMONTHDAY', [], (value) => integers('BYMONTHDAY', value, -31, 31)),
		bymonth: of('BYMONTH', [], (value) => integers('BYMONTH', value, 1, 12)),
		bysetpos: of('BYSETPOS', [], (value) => integers('BYSETPOS', value, -366, 366)),
		wkst,
	};
}

/** A rule as text: always the same for the same rule. */
export function ruleText(rule: Rule): string {
	const list = (name: string, values: readonly (string | number)[]) =>
		values.length === 0 ? [] : [`${name}=${values.join(',')}`];
	return [
		`FREQ=${rule.freq}`,
		...(rule.interval === 1 ? [] : [`INTERVAL=${String(rule.interval)}`]),
		...list('BYMONTH', rule.bymonth),
		...list('BYMONTHDAY', rule.bymonthday),
		...list('BYDAY', rule.byday),
		...list('BYSETPOS', rule.bysetpos),
		...(rule.wkst === 'MO' ? [] : [`WKST=${rule.wkst}`]),
		...(rule.count === null ? [] : [`COUNT=${String(rule.count)}`]),
		...(rule.until === null ? [] : [`UNTIL=${rule.until}`]),
	].join(';');
}

/** A recurrence rule of RFC 5545, without DTSTART: `FREQ=WEEKLY;BYDAY=MO,TH`. The time of day is that of the start. */
export const RRule = z
	.string()
	.max(300, { abort: true })
	.check((ctx) => {
		try {
			parseRule(ctx.value);
		} catch (error) {
			if (!(error instanceof BadRule)) throw error;
			ctx.issues.push({ code: 'custom', message: error.message, input: ctx.value, continue: false });
		}
	})
	.overwrite((text) => ruleText(parseRule(text)));
