import { z } from 'zod';
import { Color, editable, Id, Name, Time } from './common.ts';
import { EventType } from './event-type.ts';
import { Recurrence } from './recurrence.ts';

export const ExtendedProps = z.object({ conflict: z.boolean() });

/** Who is to be there: users. */
export const Attendees = z
	.array(Id)
	.max(50)
	.refine((ids) => new Set(ids).size === ids.length, 'each person once');

/** An entry of the calendar. One with a `job_id` is that job's projection and moves with it. */
export const Event = z.object({
	id: Id,
	project_id: Id,
	environment_id: Id.nullable(),
	job_id: Id.nullable(),
	title: z.string(),
	start: Time,
	end: Time.nullable(),
	event_type: EventType,
	color: z.string().nullable(),
	all_day: z.boolean(),
	attendees: z.array(Id),
	/** `start` and `end` are those of the first time. */
	recurrence: Recurrence.nullable(),
	/** When its last time ends; null where it does not recur, or does so for ever. */
	recurs_until: Time.nullable(),
	extendedProps: ExtendedProps,
	...editable,
});
export type Event = z.infer<typeof Event>;

const fields = {
	title: Name(160),
	start: Time,
	end: Time.nullable(),
	event_type: EventType.exclude(['job']),
	color: Color.nullable(),
	all_day: z.boolean(),
	environment_id: Id.nullable(),
	attendees: Attendees,
	recurrence: Recurrence.nullable(),
};
const inOrder = (e: { start?: string | undefined; end?: string | null | undefined }) =>
	!e.start || !e.end || e.start < e.end;
const endAfterStart = { path: ['end'], message: 'must be after start' };

export const EventCreate = z
	.strictObject({
		...fields,
		end: fields.end.default(null),
		event_type: fields.event_type.default('other'),
		color: fields.color.default(null),
		all_day: fields.all_day.default(false),
		environment_id: fields.environment_id.default(null),
		attendees: fields.attendees.default([]),
		recurrence: fields.recurrence.default(null),
	})
	.refine(inOrder, endAfterStart);
export type EventCreate = z.infer<typeof EventCreate>;

/** On a job's projection only `start` and `end` may change, and the job moves with it. */
export const EventPatch = z.strictObject(fields).partial().refine(inOrder, endAfterStart);
export type EventPatch = z.infer<typeof EventPatch>;

/** The longest window the calendar answers for. */
export const CALENDAR_WINDOW_MAX_MS = 400 * 86_400_000;
/** The longest an entry may last: bounds what an overlap query has to look back. */
export const EVENT_LENGTH_MAX_MS = 62 * 86_400_000;
