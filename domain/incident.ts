import { z } from 'zod';
import { editable, Id, Name, Text, Time } from './common.ts';
import { PostMortemHead } from './postmortem.ts';

export const Severity = z.enum(['low', 'medium', 'high', 'critical']);
export type Severity = z.infer<typeof Severity>;

export const IncidentStatus = z.enum(['open', 'mitigated', 'resolved', 'closed']);
export type IncidentStatus = z.infer<typeof IncidentStatus>;

/** Who is in it by what they do: one leads, one writes down, one tells the others. */
export const IncidentRole = z.enum(['commander', 'scribe', 'comms']);
export type IncidentRole = z.infer<typeof IncidentRole>;

/** The steps people take; `severity` has one of its own, so that it can be asked for alone. */
export const IncidentStep = z.enum(['acknowledge', 'mitigate', 'resolve', 'close', 'reopen']);
export type IncidentStep = z.infer<typeof IncidentStep>;

/** From which status a step may be taken, and where it leads. Acknowledging is a stamp: it changes no status. */
export const incidentSteps: Record<IncidentStep, { from: readonly IncidentStatus[]; to: IncidentStatus | null }> = {
	acknowledge: { from: ['open'], to: null },
	mitigate: { from: ['open'], to: 'mitigated' },
	resolve: { from: ['open', 'mitigated'], to: 'resolved' },
	close: { from: ['resolved'], to: 'closed' },
	reopen: { from: ['mitigated', 'resolved', 'closed'], to: 'open' },
};

export const Incident = z.object({
	id: Id,
	project_id: Id,
	environment_id: Id.nullable(),
	title: z.string(),
	description: z.string().nullable(),
	severity: Severity,
	status: IncidentStatus,
	/** When it began, as far as is known afterwards: what it took to notice is counted from here. */
	started_at: Time.nullable(),
	detected_at: Time,
	acknowledged_at: Time.nullable(),
	mitigated_at: Time.nullable(),
	resolved_at: Time.nullable(),
	closed_at: Time.nullable(),
	commander_id: Id.nullable(),
	scribe_id: Id.nullable(),
	comms_id: Id.nullable(),
	/** What alerts of the same kind share: of those not yet resolved, one incident has it. */
	dedupe_key: z.string().nullable(),
	...editable,
});
export type Incident = z.infer<typeof Incident>;

const Span = z.int().min(0).nullable();

/** An incident with the times it took, in milliseconds: from its start to its detection, from there to the rest. */
export const IncidentView = Incident.extend({ mttd: Span, mtta: Span, mttr: Span });
export type IncidentView = z.infer<typeof IncidentView>;

/** An incident as it is read alone: with what there is of its post-mortem, whose texts are at an address of their own. */
export const IncidentDetail = IncidentView.extend({ postmortem: PostMortemHead.nullable() });
export type IncidentDetail = z.infer<typeof IncidentDetail>;

const span = (from: string | null, to: string | null): number | null =>
	from === null || to === null ? null : Math.max(0, Date.parse(to) - Date.parse(from));

/** The times to detect, to acknowledge and to resolve of one incident; their means are for those who count many. */
export const incidentTimes = (
	i: Pick<Incident, 'started_at' | 'detected_at' | 'acknowledged_at' | 'resolved_at'>,
): Pick<IncidentView, 'mttd' | 'mtta' | 'mttr'> => ({
	mttd: span(i.started_at, i.detected_at),
	mtta: span(i.detected_at, i.acknowledged_at),
	mttr: span(i.detected_at, i.resolved_at),
});

type Stamps = Pick<Incident, 'status' | 'acknowledged_at' | 'mitigated_at' | 'resolved_at' | 'closed_at'>;

/**
 * What a step makes of an incident; null where the table forbids it. A step stamps those it leaps over too: what is
 * mitigated was noticed, what is resolved is mitigated. Reopening takes back all but who noticed it first, and when.
 */
export function afterStep(before: Stamps, step: IncidentStep, now: string): Stamps | null {
	const { from, to } = incidentSteps[step];
	if (!from.includes(before.status)) return null;
	if (step === 'acknowledge')
		return before.acknowledged_at === null ? { ...stampsOf(before), acknowledged_at: now } : null;
	const next: Stamps = { ...stampsOf(before), status: to ?? before.status };
	if (step === 'reopen') return { ...next, mitigated_at: null, resolved_at: null, closed_at: null };
	next.acknowledged_at ??= now;
	next.mitigated_at ??= now;
	if (step !== 'mitigate') next.resolved_at ??= now;
	if (step === 'close') next.closed_at = now;
	return next;
}

const stampsOf = ({ status, acknowledged_at, mitigated_at, resolved_at, closed_at }: Stamps): Stamps => ({
	status,
	acknowledged_at,
	mitigated_at,
	resolved_at,
	closed_at,
});

const fields = {
	title: Name(160),
	description: Text(10_000).nullable(),
	severity: Severity,
	environment_id: Id.nullable(),
	started_at: Time.nullable(),
	detected_at: Time,
};
const inOrder = (i: { started_at?: string | null | undefined; detected_at?: string | undefined }) =>
	!i.started_at || !i.detected_at || i.started_at <= i.detected_at;
const startFirst = { path: ['started_at'], message: 'must not be after detected_at' };

export const IncidentCreate = z
	.strictObject({
		...fields,
		description: fields.description.default(null),
		severity: fields.severity.default('medium'),
		environment_id: fields.environment_id.default(null),
		started_at: fields.started_at.default(null),
		detected_at: fields.detected_at.optional(),
		dedupe_key: Name(200).nullable().default(null),
	})
	.refine(inOrder, startFirst);
export type IncidentCreate = z.infer<typeof IncidentCreate>;

/** The status moves by steps, and the roles are handed over: neither is edited. */
export const IncidentPatch = z.strictObject(fields).partial().refine(inOrder, startFirst);
export type IncidentPatch = z.infer<typeof IncidentPatch>;

/** A step's word for the timeline; reopening must say why. */
export const StepNote = z.strictObject({ note: Text(2000).optional() });
export type StepNote = z.infer<typeof StepNote>;
export const ReopenReason = z.strictObject({ reason: Text(2000).refine((s) => s.trim() !== '', 'must not be empty') });

export const HandOver = z.strictObject({ role: IncidentRole, user_id: Id.nullable() });
export type HandOver = z.infer<typeof HandOver>;
