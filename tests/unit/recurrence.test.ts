import fc from 'fast-check';
import ICAL from 'ical.js';
import { describe, expect, it } from 'vitest';
import { Recurrence, type Series } from '#domain/recurrence.ts';
import { frequencies, parseRule, RRule, ruleText, weekdays } from '#domain/rrule.ts';
import { nextAfter, occurrences, seriesEnd, seriesFault } from '#domain/series.ts';
import { momentOf, wallAt } from '#domain/time-zone.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const iso = (ms: number) => new Date(ms).toISOString();
const zones = ['UTC', 'Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia'];

const series = (rrule: string, start: string, { zone = 'UTC', hours = 1, exdates = [] as string[] } = {}): Series => ({
	start,
	end: iso(Date.parse(start) + hours * HOUR),
	recurrence: { rrule, time_zone: zone, exdates },
});
const starts = (of: Series, from: string, to: string) => occurrences(of, { from, to }).map(({ start }) => start);
const firstFive = (rrule: string, start: string, zone?: string) =>
	starts(series(rrule, start, { ...(zone && { zone }) }), start, iso(Date.parse(start) + 4_000 * DAY)).slice(0, 5);

/** Rules of every kind, of which the first day is for the test to find. */
const some = <T>(values: readonly T[], most: number) =>
	fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: most });
const byday = some(weekdays, 3).map((days) => `;BYDAY=${days.join(',')}`);
const nthDay = fc
	.tuple(fc.constantFrom(1, 2, 4, -1, -2), fc.constantFrom(...weekdays))
	.map(([nth, day]) => `;BYDAY=${String(nth)}${day}`);
const monthdays = some([1, 15, 28, 29, 30, 31, -1, -3], 3);
const bymonthday = monthdays.map((days) => `;BYMONTHDAY=${days.join(',')}`);
const months = some([1, 2, 3, 6, 11, 12], 3);
const bymonth = months.map((numbers) => `;BYMONTH=${numbers.join(',')}`);
/**
 * By the year, ical.js counts from the end of another month than the day's own, and goes over into the next one for a day that a month
 * has not: these are held by a walk over the days below.
 */
const inEveryMonth = some([1, 15, 28], 3).map((days) => `;BYMONTHDAY=${days.join(',')}`);
const none = fc.constant('');
const setpos = fc.constantFrom('', ';BYSETPOS=1', ';BYSETPOS=-1', ';BYSETPOS=1,2');
const ruleOf = fc.oneof(
	fc.tuple(fc.constant('FREQ=DAILY'), fc.oneof(none, byday)),
	fc.tuple(fc.constant('FREQ=WEEKLY'), fc.oneof(none, byday), fc.constantFrom('', ';WKST=SU')),
	fc.tuple(fc.constant('FREQ=MONTHLY'), fc.oneof(none, nthDay, bymonthday)),
	fc.tuple(fc.constant('FREQ=MONTHLY'), byday, setpos),
	fc.tuple(fc.constant('FREQ=YEARLY'), bymonth, fc.oneof(nthDay, inEveryMonth)),
);
const interval = fc.constantFrom('', ';INTERVAL=2', ';INTERVAL=3');
const rules = fc.tuple(ruleOf, interval).map(([parts, every]) => ruleText(parseRule(parts.join('') + every)));
const days = fc.integer({ min: 0, max: 365 * 8 }).map((n) => Date.UTC(2024, 0, 1) + n * DAY + 9 * HOUR + 7 * 60_000);

describe('a rule', () => {
	it('is written the same way however it was said, and means the same', () => {
		fc.assert(
			fc.property(rules, (rule) => {
				const text = ruleText(parseRule(rule));
				expect(RRule.parse(` rrule:${rule.toLowerCase()};`)).toBe(text);
				expect(parseRule(text)).toEqual(parseRule(rule));
			}),
		);
	});

	it('is refused in words, whatever else is said', () => {
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string(),
					fc
						.array(fc.tuple(fc.constantFrom('FREQ', 'COUNT', 'UNTIL', 'BYDAY', 'INTERVAL', 'BYSETPOS'), fc.string()))
						.map((parts) => parts.map((part) => part.join('=')).join(';')),
				),
				(text) => {
					const { error } = RRule.safeParse(text);
					if (error) expect(error.issues[0]?.message).toMatch(/\w/);
				},
			),
		);
	});

	it.each([
		['FREQ=SECONDLY', 'FREQ must be one of HOURLY'],
		['FREQ=MINUTELY;INTERVAL=30', 'nothing comes more often than once an hour'],
		['FREQ=DAILY;BYHOUR=9', 'BYHOUR is not taken: the time of day is that of the start'],
		['FREQ=DAILY;BYSECOND=0,1,2', 'BYSECOND is not taken'],
		['FREQ=HOURLY;BYDAY=MO', 'BYDAY is not taken with FREQ=HOURLY'],
		['FREQ=WEEKLY;BYDAY=1MO', 'BYDAY takes no number'],
		['FREQ=WEEKLY;BYMONTHDAY=1', 'BYMONTHDAY is taken with'],
		['FREQ=DAILY;BYMONTH=2', 'BYMONTH is taken with'],
		['FREQ=WEEKLY;BYDAY=MO;BYSETPOS=3', 'BYSETPOS is taken with'],
		['FREQ=MONTHLY;BYMONTHDAY=0', 'BYMONTHDAY takes whole numbers'],
		['FREQ=MONTHLY;BYMONTHDAY=32', 'BYMONTHDAY takes whole numbers'],
		['FREQ=MONTHLY;BYDAY=6MO', 'BYDAY takes whole numbers from -5 to 5'],
		['FREQ=DAILY;INTERVAL=0', 'INTERVAL takes whole numbers from 1'],
		['FREQ=DAILY;INTERVAL=1e3', 'INTERVAL takes whole numbers'],
		['FREQ=DAILY;COUNT=1000000000', 'COUNT takes whole numbers'],
		['FREQ=DAILY;COUNT=2;UNTIL=20300101', 'exclude each other'],
		['FREQ=DAILY;UNTIL=20300231', 'UNTIL takes a day'],
		['FREQ=DAILY;UNTIL=tomorrow', 'UNTIL takes a day'],
		['FREQ=DAILY;FREQ=WEEKLY', 'FREQ is said twice'],
		['FREQ=DAILY;RSCALE=HEBREW', 'RSCALE is not taken'],
		['EXDATE=20300101', 'EXDATE is not taken'],
		['DTSTART:20300101T000000Z\nRRULE:FREQ=DAILY', 'is not taken'],
		['', 'expected a rule'],
		['x'.repeat(301), ''],
	])('%j is refused: %s', (rrule, message) => {
		const { error } = Recurrence.safeParse({ rrule, time_zone: 'UTC' });
		expect(error?.issues[0]?.path).toEqual(['rrule']);
		expect(error?.issues.map((issue) => issue.message).join()).toContain(message);
	});

	it('needs a zone that there is, and days that there are', () => {
		const of = (more: object) => Recurrence.safeParse({ rrule: 'FREQ=DAILY', time_zone: 'UTC', ...more });
		expect(of({ time_zone: 'Mars/Olympus' }).error?.issues[0]?.path).toEqual(['time_zone']);
		expect(of({ time_zone: '+01:00' }).error?.issues[0]?.path).toEqual(['time_zone']);
		expect(of({ exdates: ['2030-02-30'] }).error?.issues[0]?.path).toEqual(['exdates', 0]);
		expect(of({ exdates: Array.from({ length: 201 }, () => '2030-01-01') }).error?.issues[0]?.path).toEqual([
			'exdates',
		]);
		expect(of({ exdates: ['2030-01-02', '2030-01-01', '2030-01-02'] }).data?.exdates).toEqual([
			'2030-01-01',
			'2030-01-02',
		]);
	});
});

describe('the times of a series', () => {
	it('are those that another calendar finds', () => {
		const stamp = (ms: number) => iso(ms).slice(0, 19);
		fc.assert(
			fc.property(rules, days, (rule, from) => {
				// What an iteration from a day that the rule does not give begins with is not agreed on: the first day of the rule is taken.
				const first = ICAL.Recur.fromString(rule)
					.iterator(ICAL.Time.fromString(stamp(from), undefined))
					.next();
				fc.pre(first !== null && first.toString() === stamp(from));
				const times = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromString(stamp(from), undefined));
				const to = from + 3 * 365 * DAY;
				const theirs: string[] = [];
				for (let at = times.next(); at !== null && at.toString() < stamp(to); at = times.next())
					theirs.push(`${at.toString()}.000Z`);
				fc.pre(seriesFault(series(rule, iso(from))) === null);
				expect(starts(series(rule, iso(from)), iso(from), iso(to))).toEqual(theirs);
			}),
			{ numRuns: 300 },
		);
	});

	it('by the year are the days of those months, counted from either end', () => {
		fc.assert(
			fc.property(months, monthdays, days, (in_months, on_days, after) => {
				const comes = (at: number) => {
					const date = new Date(at);
					const [month, day] = [date.getUTCMonth(), date.getUTCDate()];
					const length = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
					return in_months.includes(month + 1) && on_days.some((n) => n === day || n === day - length - 1);
				};
				const walked = Array.from({ length: 6 * 365 }, (_, n) => after + n * DAY).filter(comes);
				const [from] = walked;
				// The 30th of February is none.
				if (from === undefined) return;
				const rule = `FREQ=YEARLY;BYMONTH=${in_months.join(',')};BYMONTHDAY=${on_days.join(',')}`;
				expect(starts(series(rule, iso(from)), iso(from), iso(after + 6 * 365 * DAY))).toEqual(walked.map(iso));
			}),
			{ numRuns: 300 },
		);
	});

	it('are the same in a window as in a longer one that is looked at through it', () => {
		fc.assert(
			fc.property(rules, days, fc.constantFrom(...zones), fc.nat(300), fc.nat(40), (rule, from, zone, a, b) => {
				const of = series(rule, iso(from), { zone, hours: 5 });
				const window = { from: iso(from + a * DAY), to: iso(from + (a + b) * DAY) };
				const all = occurrences(of, { from: iso(from - DAY), to: iso(from + 400 * DAY) });
				const touching = all.filter(({ start, end }) => start < window.to && (end ?? start) > window.from);
				expect(occurrences(of, window)).toEqual(touching);
				const after = iso(from + a * DAY);
				const next = all.find(({ start }) => start > after);
				if (next) expect(nextAfter(of, after)).toBe(next.start);
			}),
		);
	});

	it('stay at their hour when clocks are moved; where that hour is skipped they come later, and once', () => {
		fc.assert(
			fc.property(fc.constantFrom(...zones), days, fc.nat(23), (zone, from, hour) => {
				const start = momentOf(from - (from % DAY) + hour * HOUR, zone);
				const wall = wallAt(start, zone);
				const found = occurrences(series('FREQ=DAILY', iso(start), { zone }), {
					from: iso(start),
					to: iso(start + 400 * DAY),
				});
				const of = found.map((one) => ({ from: Date.parse(one.start), to: Date.parse(one.end ?? '') }));
				expect(new Set(found.map((one) => one.start)).size).toBe(found.length);
				// One a day on the clocks, but for the day that Apia left out; and clocks are moved by an hour at most.
				expect(found.length).toBeGreaterThanOrEqual(399);
				for (const one of of) {
					const off = (((wallAt(one.from, zone) - wall) % DAY) + DAY) % DAY;
					expect(off).toBeLessThanOrEqual(HOUR);
					expect(one.to).toBeGreaterThan(one.from);
					if (off !== 0) expect(momentOf(wallAt(one.from, zone) - off, zone)).toBe(one.from);
				}
			}),
			{ numRuns: 60 },
		);
	});

	it('in Paris, over both changes', () => {
		expect(firstFive('FREQ=WEEKLY;COUNT=3', '2026-03-18T08:00:00.000Z', 'Europe/Paris')).toEqual([
			'2026-03-18T08:00:00.000Z',
			'2026-03-25T08:00:00.000Z',
			'2026-04-01T07:00:00.000Z',
		]);
		// Half past two is not on the 29th of March, and twice on the 25th of October.
		expect(firstFive('FREQ=DAILY;COUNT=3', '2026-03-28T01:30:00.000Z', 'Europe/Paris')).toEqual([
			'2026-03-28T01:30:00.000Z',
			'2026-03-29T01:30:00.000Z',
			'2026-03-30T00:30:00.000Z',
		]);
		expect(firstFive('FREQ=DAILY;COUNT=3', '2026-10-24T00:30:00.000Z', 'Europe/Paris')).toEqual([
			'2026-10-24T00:30:00.000Z',
			'2026-10-25T00:30:00.000Z',
			'2026-10-26T01:30:00.000Z',
		]);
		// A night lasts as long as the clocks say it does; and what starts in the second of two like hours does not start in the first.
		const night = series('FREQ=DAILY', '2026-03-27T23:00:00.000Z', { zone: 'Europe/Paris', hours: 5 });
		expect(occurrences(night, { from: '2026-03-28T12:00:00.000Z', to: '2026-03-29T12:00:00.000Z' })).toEqual([
			{ start: '2026-03-28T23:00:00.000Z', end: '2026-03-29T03:00:00.000Z' },
		]);
		expect(firstFive('FREQ=DAILY;COUNT=2', '2026-10-25T01:30:00.000Z', 'Europe/Paris')).toEqual([
			'2026-10-25T01:30:00.000Z',
			'2026-10-26T01:30:00.000Z',
		]);
		// By the hour it goes by hours that pass.
		expect(firstFive('FREQ=HOURLY;INTERVAL=2', '2026-03-28T23:30:00.000Z', 'Europe/Paris').slice(0, 3)).toEqual([
			'2026-03-28T23:30:00.000Z',
			'2026-03-29T01:30:00.000Z',
			'2026-03-29T03:30:00.000Z',
		]);
	});

	it('at the ends of months, and in leap years, are those that there are', () => {
		const dates = (rrule: string, start: string) => firstFive(rrule, start).map((at) => at.slice(0, 10));
		expect(dates('FREQ=MONTHLY', '2027-01-31T09:00:00.000Z')).toEqual([
			'2027-01-31',
			'2027-03-31',
			'2027-05-31',
			'2027-07-31',
			'2027-08-31',
		]);
		expect(dates('FREQ=MONTHLY;BYMONTHDAY=-1', '2027-12-31T09:00:00.000Z')).toEqual([
			'2027-12-31',
			'2028-01-31',
			'2028-02-29',
			'2028-03-31',
			'2028-04-30',
		]);
		expect(dates('FREQ=YEARLY', '2028-02-29T09:00:00.000Z').slice(0, 2)).toEqual(['2028-02-29', '2032-02-29']);
	});

	it('end with COUNT and UNTIL, and leave out the days that are left out without making up for them', () => {
		const of = (rrule: string, exdates: string[] = []) =>
			series(rrule, '2030-01-01T08:00:00.000Z', { zone: 'Europe/Paris', exdates });
		const all = (one: Series) =>
			starts(one, '2029-01-01T00:00:00.000Z', '2032-01-01T00:00:00.000Z').map((at) => at.slice(8, 10));
		expect(all(of('FREQ=DAILY;COUNT=4'))).toEqual(['01', '02', '03', '04']);
		expect(all(of('FREQ=DAILY;COUNT=4', ['2030-01-02', '2031-05-05']))).toEqual(['01', '03', '04']);
		expect(all(of('FREQ=DAILY;UNTIL=20300103'))).toEqual(['01', '02', '03']);
		expect(all(of('FREQ=DAILY;UNTIL=20300103T080000Z'))).toEqual(['01', '02', '03']);
		expect(all(of('FREQ=DAILY;UNTIL=20300103T075959Z'))).toEqual(['01', '02']);
		expect(seriesEnd(of('FREQ=DAILY'))).toBeNull();
		fc.assert(
			fc.property(rules, days, fc.integer({ min: 1, max: 30 }), fc.boolean(), (rule, from, n, counted) => {
				const ends = counted
					? `COUNT=${String(n)}`
					: `UNTIL=${iso(from + n * 20 * DAY)
							.slice(0, 10)
							.replaceAll('-', '')}`;
				const of = series(`${rule};${ends}`, iso(from), { zone: 'Europe/Paris' });
				fc.pre(seriesFault(of) === null);
				const end = seriesEnd(of);
				const last = occurrences(of, { from: of.start, to: iso(from + 100 * 365 * DAY) }).at(-1);
				if (end !== null) expect(end).toBe(last?.end);
				if (last) expect(nextAfter(of, last.start)).toBeNull();
			}),
		);
	});

	it('are never more than there are hours in the window, and nothing hostile takes long or throws', () => {
		const years = fc
			.integer({ min: 1, max: 9999 })
			.map((year) => `${String(year).padStart(4, '0')}-06-15T12:00:00.000Z`);
		fc.assert(
			fc.property(
				rules,
				fc.constantFrom('', ';COUNT=1000', ';UNTIL=99991231'),
				days,
				years,
				(rule, ends, start, from) => {
					const of = series(rule + ends, iso(start), { zone: 'America/New_York' });
					const to = iso(Math.min(Date.parse(from) + 400 * DAY, Date.UTC(9999, 11, 31)));
					seriesFault(of);
					seriesEnd(of);
					nextAfter(of, from);
					expect(occurrences(of, { from, to }).length).toBeLessThanOrEqual(400 * 24);
				},
			),
		);
		const hourly = series('FREQ=HOURLY', '1970-01-01T00:00:00.000Z');
		expect(starts(hourly, '2030-01-01T00:00:00.000Z', '2030-01-02T00:00:00.000Z')).toHaveLength(24);
	});

	it('that a rule cannot have are refused by the field', () => {
		const start = '2030-01-01T09:00:00.000Z';
		const fault = (rrule: string, hours = 1, at = start) => seriesFault(series(rrule, at, { hours }));
		expect(fault('FREQ=WEEKLY')).toBeNull();
		expect(fault('FREQ=WEEKLY;BYDAY=MO')).toEqual({
			path: 'recurrence.rrule',
			message: 'does not come at the start: after that it comes first on 2030-01-07',
		});
		expect(fault('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30')?.message).toBe('no day is like that');
		expect(fault('FREQ=DAILY;UNTIL=20291231')?.message).toBe('UNTIL is before the start');
		expect(fault('FREQ=DAILY', 25)).toEqual({ path: 'end', message: 'must not be after it comes again' });
		expect(fault('FREQ=DAILY', 24)).toBeNull();
		expect(fault('FREQ=DAILY;COUNT=1', 25)).toBeNull();
		expect(fault('FREQ=WEEKLY;BYDAY=TU,WE', 25)?.path).toBe('end');
		expect(fault('FREQ=DAILY', 1, '1969-12-31T09:00:00.000Z')?.path).toBe('start');
		expect(fault('FREQ=DAILY', 1, '9000-01-01T09:00:00.000Z')?.path).toBe('start');
		expect(frequencies).not.toContain('MINUTELY');
	});
});
