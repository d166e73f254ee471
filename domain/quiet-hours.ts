import { z } from 'zod';
import { TimeZone } from './time-zone.ts';

const Clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day as 22:30');

/** From a time of day to another, over midnight where the second is the earlier one, on the clocks of that zone. */
export const QuietHours = z
	.strictObject({
		start: Clock,
		end: Clock,
		time_zone: TimeZone,
	})
	.refine(({ start, end }) => start !== end, { path: ['end'], message: 'must not be the start' });
export type QuietHours = z.infer<typeof QuietHours>;

const MINUTE_MS = 60_000;
const DAY = 1_440;

const clocks = new Map<string, Intl.DateTimeFormat>();

/** Minutes since midnight, on the clocks of the zone. */
function minuteOf(now: number, time_zone: string): number {
	const clock =
		clocks.get(time_zone) ??
		new Intl.DateTimeFormat('en', { timeZone: time_zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
	clocks.set(time_zone, clock);
	return minutes(clock.format(now));
}

function minutes(text: string): number {
	const [hour, minute] = text.split(':').map(Number);
	return (hour ?? 0) * 60 + (minute ?? 0);
}

const within = ({ start, end }: QuietHours, minute: number): boolean => {
	const [from, to] = [minutes(start), minutes(end)];
	return from < to ? minute >= from && minute < to : minute >= from || minute < to;
};

/** When it is loud again, in ms; null where it is now. Clocks that are moved meanwhile are followed. */
export function quietUntil(quiet: QuietHours | null, now: number): number | null {
	const is = (at: number) => quiet !== null && within(quiet, minuteOf(at, quiet.time_zone));
	if (!quiet || !is(now)) return null;
	let at = Math.floor(now / MINUTE_MS) * MINUTE_MS;
	// As far as the clocks say; where they are moved forward on the way, that is too far, and where back not far enough.
	const left = (minutes(quiet.end) - minuteOf(at, quiet.time_zone) + DAY) % DAY;
	at += left * MINUTE_MS;
	while (is(at)) at += MINUTE_MS;
	while (!is(at - MINUTE_MS)) at -= MINUTE_MS;
	return at;
}
