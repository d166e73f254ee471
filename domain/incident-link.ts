import { z } from 'zod';
import { editable, Id } from './common.ts';

/** What an incident is linked to. */
export const LinkKind = z.enum(['job', 'run', 'event']);
export type LinkKind = z.infer<typeof LinkKind>;

/** What a job has to do with an incident. */
export const JobRole = z.enum(['introduced', 'mitigation', 'rollback', 'related']);
export type JobRole = z.infer<typeof JobRole>;

export const IncidentLink = z.object({
	id: Id,
	incident_id: Id,
	kind: LinkKind,
	job_id: Id.nullable(),
	run_id: Id.nullable(),
	event_id: Id.nullable(),
	/** A job's; null for the others. */
	role: JobRole.nullable(),
	created_by_id: Id.nullable(),
	...editable,
});
export type IncidentLink = z.infer<typeof IncidentLink>;

/** A link with what is to be read of its other end: its title, and its status where it has one. */
export const IncidentLinkView = IncidentLink.extend({ title: z.string(), status: z.string().nullable() });
export type IncidentLinkView = z.infer<typeof IncidentLinkView>;

export const LinkCreate = z.discriminatedUnion('kind', [
	z.strictObject({ kind: z.literal('job'), job_id: Id, role: JobRole.default('related') }),
	z.strictObject({ kind: z.literal('run'), run_id: Id }),
	z.strictObject({ kind: z.literal('event'), event_id: Id }),
]);
export type LinkCreate = z.infer<typeof LinkCreate>;

export const LinkPatch = z.strictObject({ role: JobRole });
export type LinkPatch = z.infer<typeof LinkPatch>;

/** The most that can be linked to one incident. */
export const LINKS_MAX = 200;
