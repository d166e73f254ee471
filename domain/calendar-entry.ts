import { z } from 'zod';
import { Id, Time } from './common.ts';
import { EventType } from './event-type.ts';

/** One entry as FullCalendar reads it; of what recurs, one time of it. */
export const CalendarEntry = z.object({
	/** The entry's, and of what recurs also when it would start. */
	id: z.string(),
	title: z.string(),
	start: Time,
	end: Time.nullable(),
	allDay: z.boolean(),
	color: z.string(),
	/** It can be dragged. What recurs is changed as a whole, in its form. */
	editable: z.boolean(),
	extendedProps: z.object({
		conflict: z.boolean(),
		event_id: Id,
		project_id: Id,
		environment_id: Id.nullable(),
		attendees: z.array(Id),
		job_id: Id.nullable(),
		job_status: z.string().nullable(),
		/** The job starts by itself at `start`. */
		auto_start: z.boolean(),
		event_type: EventType,
		/** As the hub keeps it: what reads it needs no reader of rules. */
		recurrence: z.object({ rrule: z.string(), time_zone: z.string(), exdates: z.array(z.string()) }).nullable(),
		version: z.int(),
	}),
});
export type CalendarEntry = z.infer<typeof CalendarEntry>;
