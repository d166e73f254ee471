import { expect, it } from 'vitest';
import type { FreezeTime } from '#domain/freeze.ts';
import { onceEach } from '#lib/freeze/once-each.ts';

const day = (n: number) => `2031-03-${String(n).padStart(2, '0')}T00:00:00.000Z`;
const time = (freeze_id: number, from: number): FreezeTime => ({
	...{ freeze_id, project_id: null, environment_id: null, title: 'f', reason: 'r' },
	...{ start: day(from), end: day(from + 2) },
});
const weekends = [1, 8, 15, 22].map((n) => time(1, n));

it.each([
	['before the first', day(1), 1],
	['while one is on', day(9), 8],
	['at its end', day(10), 15],
	['between two', day(12), 15],
	['after the last', day(30), 22],
])('tells a freeze that comes again once: %s', (_when, now, from) => {
	expect(onceEach(weekends, Date.parse(now))).toEqual([time(1, from)]);
});

it('tells each freeze, by the start of what is told', () => {
	const all = [...weekends, time(2, 9)].sort((a, b) => (a.start < b.start ? -1 : 1));
	expect(onceEach(all, Date.parse(day(12)))).toEqual([time(2, 9), time(1, 15)]);
});
