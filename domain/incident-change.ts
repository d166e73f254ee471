import { z } from 'zod';
import { Id, Time } from './common.ts';

/** Why a change is looked at first. */
export const ChangeReason = z.enum(['same_environment', 'just_before', 'failed', 'linked']);
export type ChangeReason = z.infer<typeof ChangeReason>;

/** Something that changed before an incident was noticed: a run that ended, an entry of the calendar, an edit that was audited. */
export const IncidentChange = z.object({
	kind: z.enum(['run', 'event', 'edit']),
	/** Of the run, the event, or the row that was edited. */
	id: Id,
	at: Time,
	title: z.string(),
	/** An edit's audit action, such as `job.update`. */
	action: z.string().nullable(),
	/** The fields an edit changed. */
	fields: z.array(z.string()),
	/** A run's job. */
	job_id: Id.nullable(),
	/** A run's. */
	status: z.string().nullable(),
	environment_id: Id.nullable(),
	by_id: Id.nullable(),
	reasons: z.array(ChangeReason),
});
export type IncidentChange = z.infer<typeof IncidentChange>;

const JUST_BEFORE_MS = 60 * 60_000;
const weight: Record<ChangeReason, number> = { linked: 8, same_environment: 4, just_before: 2, failed: 1 };

/** The changes with their reasons, the likeliest first, and the latest first among those alike. */
export function ranked(
	incident: { environment_id: number | null; detected_at: string },
	changes: readonly (Omit<IncidentChange, 'reasons'> & { linked: boolean })[],
): IncidentChange[] {
	const detected = Date.parse(incident.detected_at);
	const score = ({ reasons }: IncidentChange) => reasons.reduce((sum, reason) => sum + weight[reason], 0);
	return changes
		.map(({ linked, ...change }): IncidentChange => {
			const reasons: ChangeReason[] = [];
			if (linked) reasons.push('linked');
			if (change.environment_id !== null && change.environment_id === incident.environment_id)
				reasons.push('same_environment');
			if (detected - Date.parse(change.at) <= JUST_BEFORE_MS) reasons.push('just_before');
			if (change.status === 'failed' || change.status === 'lost') reasons.push('failed');
			return { ...change, reasons };
		})
		.sort((a, b) => score(b) - score(a) || b.at.localeCompare(a.at));
}
