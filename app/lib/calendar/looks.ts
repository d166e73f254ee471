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

/** What fits into a calendar so wide: a week of hours or fewer days, and how many entries beside each other in such a day. */
export function roomOf(width: number): { days: number; stack: number } {
	const days = width < WEEK_PX ? FEW_DAYS : 7;
	const day = (width - AXIS_PX) / days - MORE_PX;
	return { days, stack: Math.max(1, Math.floor(day / (TARGET_PX + 2))) };
}
