import { z } from 'zod';
import { editable, Id, Text, Time } from './common.ts';
import { IncidentRole, IncidentStatus, Severity } from './incident.ts';
import { LinkKind } from './incident-link.ts';

export const EntryKind = z.enum(['status', 'role', 'run', 'change', 'alert', 'message', 'note', 'metric']);
export type EntryKind = z.infer<typeof EntryKind>;

export const AlertStatus = z.enum(['firing', 'resolved']);
export type AlertStatus = z.infer<typeof AlertStatus>;

/** What an entry tells of, for interfaces that say it in the viewer's own words. */
export const EntryRef = z.discriminatedUnion('type', [
	z.object({
		type: z.literal('status'),
		step: z.enum(['open', 'acknowledge', 'mitigate', 'resolve', 'close', 'reopen']),
		from: IncidentStatus.nullable(),
		to: IncidentStatus,
	}),
	z.object({ type: z.literal('severity'), from: Severity, to: Severity }),
	z.object({ type: z.literal('role'), role: IncidentRole, from: Id.nullable(), to: Id.nullable() }),
	z.object({
		type: z.literal('link'),
		act: z.enum(['added', 'changed', 'removed']),
		kind: LinkKind,
		id: Id,
		title: z.string(),
		/** The job's role. */
		as: z.string().nullable(),
	}),
	z.object({ type: z.literal('alert'), status: AlertStatus, title: z.string() }),
	z.object({ type: z.literal('postmortem'), status: z.enum(['draft', 'review', 'published']) }),
]);
export type EntryRef = z.infer<typeof EntryRef>;

/** A line of the timeline. The hub writes it as things happen; people add words, pin and hide, and never move it in time. */
export const IncidentEntry = z.object({
	id: Id,
	incident_id: Id,
	at: Time,
	kind: EntryKind,
	/** Who did or said it; null for the hub itself. */
	author_id: Id.nullable(),
	body: z.string(),
	ref: EntryRef.nullable(),
	pinned: z.boolean(),
	hidden: z.boolean(),
	...editable,
});
export type IncidentEntry = z.infer<typeof IncidentEntry>;

const body = Text(10_000).refine((s) => s.trim() !== '', 'must not be empty');

/** What people may add. `at`: when it happened, where it is told later. */
export const EntryCreate = z.strictObject({
	kind: EntryKind.extract(['message', 'note']).default('note'),
	body,
	at: Time.optional(),
	pinned: z.boolean().default(false),
});
export type EntryCreate = z.infer<typeof EntryCreate>;

/** `body` may be changed by who wrote it, of a message or a note. */
export const EntryPatch = z.strictObject({ pinned: z.boolean(), hidden: z.boolean(), body }).partial();
export type EntryPatch = z.infer<typeof EntryPatch>;
