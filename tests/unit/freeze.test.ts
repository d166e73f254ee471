import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendarState, type FreezeWindow, freezesWithin } from '#domain/freeze.ts';

const iso = (hour: number) => new Date(Date.UTC(2030, 0, 1, hour)).toISOString();
const window = fc
	.record({ start: fc.nat(40), length: fc.integer({ min: 1, max: 12 }), environment_id: fc.constantFrom(null, 1, 2) })
	.map(({ start, length, environment_id }): FreezeWindow => ({
		title: 'f',
		start: iso(start),
		end: iso(start + length),
		environment_id,
	}));
const windows = fc.array(window, { maxLength: 12 });
const environment = fc.constantFrom(null, 1, 2);
const closed = (all: readonly FreezeWindow[], env: number | null, at: string) =>
	all.some((f) => (f.environment_id === null || f.environment_id === env) && f.start <= at && at < f.end);

describe('the state of the calendar', () => {
	it('is open exactly where no freeze is on', () => {
		fc.assert(
			fc.property(windows, environment, fc.nat(60), (all, env, hour) => {
				expect(calendarState(all, env, iso(hour)).open).toBe(!closed(all, env, iso(hour)));
			}),
		);
	});

	it('stays as it is until the next transition, and is the other from there on', () => {
		fc.assert(
			fc.property(windows, environment, fc.nat(60), (all, env, hour) => {
				const { open, next_transition } = calendarState(all, env, iso(hour));
				const hours = Array.from({ length: 60 }, (_, n) => hour + 1 + n);
				const changes = hours.find((h) => closed(all, env, iso(h)) === open);
				expect(next_transition).toBe(changes === undefined ? null : iso(changes));
			}),
		);
	});

	it('names what holds it closed, and nothing else', () => {
		const all = [
			{ title: 'now', start: iso(0), end: iso(2), environment_id: null },
			{ title: 'later', start: iso(2), end: iso(3), environment_id: null },
			{ title: 'elsewhere', start: iso(0), end: iso(9), environment_id: 7 },
		];
		expect(calendarState(all, null, iso(1))).toEqual({ open: false, reason: 'now', next_transition: iso(3) });
	});
});

describe('the freezes that something planned falls into', () => {
	it('are those that close a moment of it; without an end, its first', () => {
		fc.assert(
			fc.property(windows, environment, fc.nat(50), fc.option(fc.nat(10)), (all, env, hour, length) => {
				const end = length === null ? null : iso(hour + length);
				const moments = Array.from({ length: Math.max(1, length ?? 1) }, (_, i) => iso(hour + i));
				const found = freezesWithin(all, env, { start: iso(hour), end });
				expect(found).toEqual(all.filter((one) => moments.some((at) => closed([one], env, at))));
			}),
		);
	});
});
