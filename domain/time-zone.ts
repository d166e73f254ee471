import { z } from 'zod';

/** Whether this runtime knows the zone, by a name that stands for it in every season. */
function isZone(name: string): boolean {
	if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/.test(name)) return false;
	try {
		return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
	} catch {
		return false;
	}
}

/** What is none goes no further: nothing can be worked out in it. */
export const TimeZone = z
	.string()
	.max(64)
	.refine(isZone, { error: 'expected a time zone, as Europe/Paris', abort: true });

// What a clock on the wall of a zone shows is handled as a number too: the milliseconds of the moment at which UTC shows the same.

const DAY_MS = 86_400_000;
/** Clocks are moved at whole quarters of an hour. */
const QUARTER_MS = 900_000;
/** So many answers are kept, of all zones; more than a year of one. */
const KEPT = 50_000;

const clocks = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** How far the clocks of a zone are ahead of UTC, in ms. */
function offsetAt(at: number, zone: string): number {
	const quarter = Math.floor(at / QUARTER_MS);
	const key = `${zone} ${String(quarter)}`;
	const known = offsets.get(key);
	if (known !== undefined) return known;
	if (offsets.size >= KEPT) {
		offsets.clear();
		clocks.clear();
	}
	const moment = quarter * QUARTER_MS;
	const clock =
		clocks.get(zone) ??
		new Intl.DateTimeFormat('en-u-ca-iso8601', {
			timeZone: zone,
			hourCycle: 'h23',
			year: 'numeric',
			month: 'numeric',
			day: 'numeric',
			hour: 'numeric',
			minute: 'numeric',
			second: 'numeric',
		});
	clocks.set(zone, clock);
	const shown = Object.fromEntries(clock.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
	const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
	const offset = Date.UTC(year, month - 1, day, hour, minute, second) - moment;
	offsets.set(key, offset);
	return offset;
}

/** What the clocks of a zone show at a moment. */
export const wallAt = (at: number, zone: string): number => at + offsetAt(at, zone);

/**
 * The moment at which the clocks of a zone show that. Of two (clocks went back) the first; where they skip it, as if they
 * had not been moved yet: what is at half past two is at half past three on that day.
 */
export function momentOf(wall: number, zone: string): number {
	const [before, after] = [offsetAt(wall - DAY_MS, zone), offsetAt(wall + DAY_MS, zone)];
	const found = [wall - before, wall - after].find((at) => wallAt(at, zone) === wall);
	return found ?? wall - before;
}
