import { RRuleTemporal } from 'rrule-temporal';
import type { Occurrence, Series } from './recurrence.ts';
import { type Frequency, parseRule, type Rule, ruleText, untilMs } from './rrule.ts';
import { momentOf, wallAt } from './time-zone.ts';

// A series is worked out on the wall clocks of its zone, as if they were UTC's, and only then put where it is: what is at nine
// stays at nine, and lasts until ten. By the hour it goes by hours that pass, whatever clocks show.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** So many days are worked out at once: the steps that take are bounded, whatever the rule. */
const PIECE_MS = 1_000 * DAY_MS;
/** Before and after that nothing recurs. */
const [YEAR_MIN, YEAR_MAX] = [1970, 2200];
const LAST_MS = Date.UTC(YEAR_MAX, 0, 1);
/** Rules that were taken apart lately. */
const KEPT = 1_000;

interface Times {
	/** The starts from `from` to `to`, both included, on the wall clocks. */
	between: (from: number, to: number) => number[];
	/** The first start after that; null: there is none, or none that is found. */
	after: (wall: number) => number | null;
	/** The last start until that, or at all where a number of them ends the series; null: none that is found. */
	last: (until: number) => number | null;
}

/** So many hours apart, from the start on. */
function byTheHour(start: number, { interval, count }: Rule): Times {
	const step = interval * HOUR_MS;
	const most = count === null ? Infinity : count - 1;
	const at = (n: number) => start + n * step;
	return {
		between(from, to) {
			const first = Math.max(0, Math.ceil((from - start) / step));
			const last = Math.min(most, Math.floor((to - start) / step));
			return Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => at(first + n));
		},
		after(wall) {
			const n = Math.max(0, Math.floor((wall - start) / step) + 1);
			return n > most ? null : at(n);
		},
		last: (until) => (until < start ? null : at(Math.min(most, Math.floor((until - start) / step)))),
	};
}

/** By days, weeks, months or years. How many there are is counted here: the library finds its way into a window without that only. */
function byTheDay(start: number, rule: Rule): Times {
	const rest = ((start % 1000) + 1000) % 1000;
	const stamp = new Date(start - rest).toISOString().slice(0, 19).replace(/[-:]/g, '');
	const found = new RRuleTemporal({
		rruleString: `DTSTART:${stamp}Z\nRRULE:${ruleText({ ...rule, count: null, until: null })}`,
		cache: false,
	});
	const piece = (from: number, to: number) =>
		found.between(new Date(from - rest), new Date(to - rest), true).map((one) => one.epochMilliseconds + rest);
	function* pieces(from: number, to: number) {
		for (let at = Math.max(from, start); at <= to; at += PIECE_MS) yield* piece(at, Math.min(at + PIECE_MS - 1, to));
	}
	let counted: readonly number[] | null = null;
	const all = (count: number) => {
		if (counted) return counted;
		const first: number[] = [];
		for (const at of pieces(start, LAST_MS)) if (first.push(at) === count) break;
		return (counted = first);
	};
	const { count } = rule;
	return {
		between: (from, to) => (count === null ? [...pieces(from, to)] : all(count).filter((at) => at >= from && at <= to)),
		after(wall) {
			if (count !== null) return all(count).find((at) => at > wall) ?? null;
			for (const at of pieces(wall + 1, LAST_MS)) return at;
			return null;
		},
		last(until) {
			if (count !== null) return all(count).at(-1) ?? null;
			for (let to = until; to >= start; to -= PIECE_MS) {
				const last = piece(Math.max(start, to - PIECE_MS + 1), to).at(-1);
				if (last !== undefined) return last;
			}
			return null;
		},
	};
}

const times = new Map<string, { rule: Rule; times: Times }>();

/** The times of a rule that starts then. */
function timesOf(start: number, rrule: string): { rule: Rule; times: Times } {
	const key = `${String(start)} ${rrule}`;
	const known = times.get(key);
	if (known) return known;
	if (times.size >= KEPT) times.clear();
	const rule = parseRule(rrule);
	const made = { rule, times: rule.freq === 'HOURLY' ? byTheHour(start, rule) : byTheDay(start, rule) };
	times.set(key, made);
	return made;
}

/** A series that recurs, taken apart. */
function worked({ start: from, end, recurrence }: Series & { recurrence: NonNullable<Series['recurrence']> }) {
	const { time_zone: zone, exdates } = recurrence;
	const freq = parseRule(recurrence.rrule).freq;
	const wall = (at: number) => (freq === 'HOURLY' ? at : wallAt(at, zone));
	const moment = (at: number) => (freq === 'HOURLY' ? at : momentOf(at, zone));
	const start = Date.parse(from);
	const length = end === null ? null : Date.parse(end) - start;
	const wallStart = wall(start);
	const wallLength = end === null ? 0 : wall(Date.parse(end)) - wallStart;
	const { rule, times } = timesOf(wallStart, recurrence.rrule);
	const until = rule.until === null ? null : untilMs(rule.until);
	const byDay = rule.until?.length === 8;
	const skipped = new Set(exdates);
	return {
		rule,
		times,
		wall,
		wallStart,
		wallLength,
		until,
		/** Whether the series, by the date that ends it, still comes then. */
		goesOn: (at: number) => until === null || (byDay ? wallAt(at, zone) < until + DAY_MS : at <= until),
		comes: (at: number) => skipped.size === 0 || !skipped.has(new Date(wallAt(at, zone)).toISOString().slice(0, 10)),
		/** Of two moments that clocks show alike the start is the one that was said. */
		startAt: (at: number) => (at === wallStart ? start : moment(at)),
		/** As late on the clocks as it should be; where clocks were moved past that, as long as it should be. */
		endAt(at: number, startsAt: number): number | null {
			if (length === null) return null;
			if (at === wallStart) return startsAt + length;
			const ends = moment(at + wallLength);
			return ends > startsAt ? ends : startsAt + length;
		},
	};
}

const recurs = (series: Series): series is Series & { recurrence: NonNullable<Series['recurrence']> } =>
	series.recurrence !== null;
const iso = (ms: number) => new Date(ms).toISOString();

/** The times of a series that touch a window, in their order; one without an end is looked at as a moment. At most as many as there are hours. */
export function occurrences(series: Series, window: { from: string; to: string }): Occurrence[] {
	const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
	const touches = (start: number, end: number | null) => start < to && (end === null ? start >= from : end > from);
	if (!recurs(series)) {
		const { start, end } = series;
		return touches(Date.parse(start), end === null ? null : Date.parse(end)) ? [{ start, end }] : [];
	}
	const { times, wall, wallStart, wallLength, until, goesOn, comes, startAt, endAt } = worked(series);
	// Clocks are never more than a day apart from themselves.
	const low = Math.max(wall(from) - wallLength - DAY_MS, wallStart);
	const high = Math.min(wall(to) + DAY_MS, (until ?? LAST_MS) + 2 * DAY_MS, LAST_MS);
	return times.between(low, high).flatMap((at) => {
		const start = startAt(at);
		const end = endAt(at, start);
		if (!touches(start, end) || !goesOn(start) || !comes(start)) return [];
		return [{ start: iso(start), end: end === null ? null : iso(end) }];
	});
}

/** How far ahead the next time is looked for, in steps: what comes soon costs little. */
const AHEAD_DAYS = [2, 40, 400, 4_000, 40_000];

/** The first time of a series that starts after a moment; null: it does not come again. */
export function nextAfter(series: Series, after: string): string | null {
	const begin = Math.max(Date.parse(after), Date.parse(series.start) - 1);
	let from = iso(begin);
	for (const days of AHEAD_DAYS) {
		const to = iso(begin + days * DAY_MS);
		const found = occurrences(series, { from, to }).find(({ start }) => start > after);
		if (found) return found.start;
		from = to;
	}
	return null;
}

/** When the last time of a series ends (or, without an end, starts); null: it comes for ever, as far as is known. */
export function seriesEnd(series: Series): string | null {
	if (!recurs(series)) return series.end ?? series.start;
	const { rule, times, wallStart, until, startAt, endAt, goesOn } = worked(series);
	if (rule.count === null && until === null) return null;
	let last = times.last(Math.min((until ?? 0) + 2 * DAY_MS, LAST_MS));
	while (last !== null && last > wallStart && !goesOn(startAt(last))) last = times.last(last - 1);
	if (last === null) return null;
	const start = startAt(last);
	return iso(endAt(last, start) ?? start);
}

/** In how many days those that are closest to each other are found. */
const CLOSE_DAYS: Record<Frequency, number> = { HOURLY: 60, DAILY: 70, WEEKLY: 800, MONTHLY: 1_500, YEARLY: 5_000 };

/** What is wrong with a series, and in which field; null where nothing is. */
export function seriesFault(series: Series): { path: 'start' | 'end' | 'recurrence.rrule'; message: string } | null {
	if (!recurs(series)) return null;
	const year = Number(series.start.slice(0, 4));
	if (!(year >= YEAR_MIN && year < YEAR_MAX))
		return { path: 'start', message: `what recurs starts between ${String(YEAR_MIN)} and ${String(YEAR_MAX)}` };
	const rrule = (message: string) => ({ path: 'recurrence.rrule', message }) as const;
	const { rule, times, wallStart, wallLength, goesOn, startAt } = worked(series);
	if (!goesOn(startAt(wallStart))) return rrule('UNTIL is before the start');
	const near = times.between(wallStart, wallStart + CLOSE_DAYS[rule.freq] * DAY_MS);
	const first = near[0] ?? times.after(wallStart);
	if (first === null) return rrule('no day is like that');
	if (first !== wallStart)
		return rrule(`does not come at the start: after that it comes first on ${iso(first).slice(0, 10)}`);
	if (rule.count === null && rule.until === null && near.length < 2 && times.after(wallStart) === null)
		return rrule('never comes again');
	if (near.some((at, i) => i > 0 && at - (near[i - 1] ?? 0) < wallLength))
		return { path: 'end', message: 'must not be after it comes again' };
	return null;
}
