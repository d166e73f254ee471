import type { CalendarEntry } from '#domain/event.ts';

/** The classes of an entry: its kind by shape, its conflict and its past by more than colour. */
export function eventClass(props: CalendarEntry['extendedProps'], isPast: boolean): string {
	return ['entry', `entry-${props.event_type}`, props.conflict && 'entry-conflict', isPast && 'entry-past']
		.filter(Boolean)
		.join(' ');
}
