import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recurringOn, recurringState } from '#domain/freeze-times.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T0 = Date.UTC(2030, 9, 20);
const iso = (ms: number) => new Date(ms).toISOString();

/** Freezes of whole hours: once, each day, each week, in a zone whose clocks are moved in between. */
const freeze = fc
	.record({
		rrule: fc.constantFrom(null, 'FREQ=DAILY', 'FREQ=DAILY;INTERVAL=2', 'FREQ=WEEKLY', 'FREQ=DAILY;COUNT=3'),
		start: fc.nat(24 * 6),
		length: fc.integer({ min: 1, max: 24 }),
		environment_id: fc.constantFrom(null, 1, 2),
	})
	.map(({ rrule, start, length, environment_id }) => ({
		title: 'f',
		start: iso(T0 + start * HOUR),
		end: iso(T0 + (start + length) * HOUR),
		recurrence: rrule === null ? null : { rrule, time_zone: 'Europe/Paris', exdates: ['2030-10-25'] },
		environment_id,
	}));
const freezes = fc.array(freeze, { maxLength: 5 });
const environment = fc.constantFrom(null, 1, 2);

describe('the state of a calendar with freezes that recur', () => {
	it('is closed exactly where one of them is on, and changes when it says', () => {
		fc.assert(
			fc.property(freezes, environment, fc.nat(24 * 20), (all, environment_id, hour) => {
				const closed = (h: number) => recurringOn(all, environment_id, iso(T0 + h * HOUR)).length > 0;
				const { open, next_transition } = recurringState(all, environment_id, iso(T0 + hour * HOUR));
				expect(open).toBe(!closed(hour));
				const changes = Array.from({ length: 24 * 8 }, (_, n) => hour + 1 + n).find((h) => closed(h) === open);
				if (changes !== undefined) expect(next_transition).toBe(iso(T0 + changes * HOUR));
				else if (next_transition !== null)
					expect(Date.parse(next_transition)).toBeGreaterThan(T0 + hour * HOUR + 8 * DAY);
			}),
			{ numRuns: 60 },
		);
	});

	it('that leaves no gap, or is a long way off, says so in bounded time', () => {
		const daily = { title: 'f', start: iso(T0), end: iso(T0 + DAY), environment_id: null };
		const always = { ...daily, recurrence: { rrule: 'FREQ=DAILY', time_zone: 'UTC', exdates: [] } };
		expect(recurringState([always], null, iso(T0 + 5 * HOUR))).toEqual({
			...{ open: false, reason: 'f', next_transition: null },
		});
		const ends = { ...always, recurrence: { ...always.recurrence, rrule: 'FREQ=DAILY;COUNT=100' } };
		expect(recurringState([ends], null, iso(T0)).next_transition).toBe(iso(T0 + 100 * DAY));
		const yearly = { ...always, recurrence: { ...always.recurrence, rrule: 'FREQ=YEARLY' } };
		expect(recurringState([yearly], null, iso(T0 + 2 * DAY)).next_transition).toBe(iso(T0 + 365 * DAY));
	});
});
