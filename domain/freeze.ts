import { z } from 'zod';
import { editable, Id, Name, Text, Time } from './common.ts';
import { Recurrence } from './recurrence.ts';

/** The longest a freeze may last. */
export const FREEZE_LENGTH_MAX_MS = 366 * 86_400_000;

/** A window in which nothing starts: in one environment, in a project, or (`project_id` null) everywhere. */
export const Freeze = z.object({
	id: Id,
	project_id: Id.nullable(),
	environment_id: Id.nullable(),
	title: z.string(),
	start: Time,
	end: Time,
	/** `start` and `end` are those of the first time. */
	recurrence: Recurrence.nullable(),
	/** When its last time ends; null where it does not recur, or does so for ever. */
	recurs_until: Time.nullable(),
	reason: z.string(),
	...editable,
});
export type Freeze = z.infer<typeof Freeze>;

const fields = {
	environment_id: Id.nullable(),
	title: Name(160),
	start: Time,
	end: Time,
	recurrence: Recurrence.nullable(),
	reason: Text(2000).refine((text) => text.trim() !== '', 'must not be empty'),
};

interface Window {
	start?: string | undefined;
	end?: string | undefined;
}
const inOrder = ({ start, end }: Window) => start === undefined || end === undefined || start < end;
const notTooLong = ({ start, end }: Window) =>
	start === undefined || end === undefined || Date.parse(end) - Date.parse(start) <= FREEZE_LENGTH_MAX_MS;
const endAfterStart = { path: ['end'], message: 'must be after start' };
const tooLong = { path: ['end'], message: 'at most 366 days after start' };

/** What is wrong with a window; null when nothing is. */
export const windowError = (window: Window) =>
	inOrder(window) ? (notTooLong(window) ? null : tooLong) : endAfterStart;

export const FreezeCreate = z
	.strictObject({
		...fields,
		/** Said outright, so that nobody freezes everything by leaving it out. */
		project_id: Id.nullable(),
		environment_id: fields.environment_id.default(null),
		recurrence: fields.recurrence.default(null),
	})
	.refine(inOrder, endAfterStart)
	.refine(notTooLong, tooLong)
	.refine(({ project_id, environment_id }) => project_id !== null || environment_id === null, {
		path: ['environment_id'],
		message: 'is of a project: name that too',
	});
export type FreezeCreate = z.infer<typeof FreezeCreate>;

export const FreezePatch = z.strictObject(fields).partial().refine(inOrder, endAfterStart).refine(notTooLong, tooLong);
export type FreezePatch = z.infer<typeof FreezePatch>;

/** Whether something may start: the answer of `/api/calendar/state`. */
export const CalendarState = z.object({
	open: z.boolean(),
	/** The freezes that hold it closed, in words; null while it is open. */
	reason: z.string().nullable(),
	/** When `open` changes next; null: not as far as is known. */
	next_transition: Time.nullable(),
});
export type CalendarState = z.infer<typeof CalendarState>;

/** One time that a freeze is on. */
export const FreezeTime = z.object({
	freeze_id: Id,
	project_id: Id.nullable(),
	environment_id: Id.nullable(),
	title: z.string(),
	reason: z.string(),
	start: Time,
	end: Time,
});
export type FreezeTime = z.infer<typeof FreezeTime>;

export type FreezeWindow = Pick<Freeze, 'title' | 'start' | 'end' | 'environment_id'>;

/** A freeze without an environment holds in each of them; one with holds only there. */
export const holdsIn = (freeze: FreezeWindow, environment_id: number | null) =>
	freeze.environment_id === null || freeze.environment_id === environment_id;

/** Those that are on in an environment (null: none) at a moment. */
export const freezesOn = <F extends FreezeWindow>(
	freezes: readonly F[],
	environment_id: number | null,
	at: string,
): F[] => freezes.filter((f) => holdsIn(f, environment_id) && f.start <= at && f.end > at);

/** Those that touch a stretch of time in an environment (null: none). What has no end is looked at as a moment. */
export const freezesWithin = <F extends FreezeWindow>(
	freezes: readonly F[],
	environment_id: number | null,
	{ start, end }: { start: string; end: string | null },
): F[] =>
	freezes.filter(
		(f) =>
			holdsIn(f, environment_id) && f.end > start && (end === null || end <= start ? f.start <= start : f.start < end),
	);

/** Whether an environment (null: none) is open at a moment, by the freezes of its project and of the hub. The end is open again. */
export function calendarState(
	freezes: readonly FreezeWindow[],
	environment_id: number | null,
	at: string,
): CalendarState {
	const held = freezes
		.filter((f) => holdsIn(f, environment_id) && f.end > at)
		.sort((a, b) => (a.start < b.start ? -1 : 1));
	const now = freezesOn(held, environment_id, at);
	if (now.length === 0) return { open: true, reason: null, next_transition: held[0]?.start ?? null };
	// What overlaps or touches goes on as one.
	let end = at;
	for (const freeze of held) if (freeze.start <= end && freeze.end > end) end = freeze.end;
	return { open: false, reason: now.map((f) => f.title).join(' · '), next_transition: end };
}
