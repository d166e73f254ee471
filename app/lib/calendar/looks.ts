import type { CalendarEntry } from '#domain/calendar-entry.ts';

/** The classes of an entry: its kind by shape, its conflict and its past by more than colour. */
export function eventClass(props: CalendarEntry['extendedProps'], isPast: boolean): string {
	return ['entry', `entry-${props.event_type}`, props.conflict && 'entry-conflict', isPast && 'entry-past']
		.filter(Boolean)
		.join(' ');
}

/** What is pointed at is at least as wide and as high (WCAG 2.2). */
export const TARGET_PX = 24;
/** As wide as in calendar.css, with its gap. */
const MORE_PX = 32;
/** The hours at the left, and the borders. */
const AXIS_PX = 56;
const WEEK_PX = 640;
/** How many days of hours are shown beside each other where a week has no room. */
export const FEW_DAYS = 3;

/** A month: the names of its weekdays, its six weeks, and the number of a day above its entries. */
const WEEKDAYS_PX = 22;
const WEEKS = 6;
const DAY_PX = 26;

interface Room {
	/** A week of hours, or fewer days of it. */
	days: number;
	/** Entries beside each other in such a day. */
	stack: number;
	/** Lines in a day of a month; the last holds what has no line. */
	lines: number;
}

/** What fits into a calendar of that size, in pixels. */
export function roomOf({ width, height }: { width: number; height: number }): Room {
	const days = width < WEEK_PX ? FEW_DAYS : 7;
	const day = (width - AXIS_PX) / days - MORE_PX;
	const week = (height - WEEKDAYS_PX) / WEEKS - DAY_PX;
	return {
		days,
		stack: Math.max(1, Math.floor(day / (TARGET_PX + 2))),
		lines: Math.max(2, Math.floor(week / (TARGET_PX + 1))),
	};
}
