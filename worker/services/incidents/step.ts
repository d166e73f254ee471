import { and, eq } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { afterStep, type Incident, incidentSteps, type IncidentStep, type IncidentView } from '#domain/incident.ts';
import { incidents } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, changesOf, edited, editEntry, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { tell } from '../incident_entries/tell.ts';
import { changesFor, viewOf } from './rows.ts';

/** Takes an incident a step further, or back to open; the step is stamped and stands in the timeline, with its word. */
export async function stepIncident(ctx: Ctx, id: number, step: IncidentStep, note?: string): Promise<IncidentView> {
	const { actor, project, rows } = await enter(ctx, `incident.${step}`, ofRow('incident', id), [
		ctx.db.select().from(incidents).where(eq(incidents.id, id)),
	]);
	const before = one(rows[0], 'incident');
	assertWritable(project);
	const next = afterStep(before, step, new Date(ctx.now()).toISOString());
	if (next === null) throw conflict(whyNot(before, step));

	const { project_id } = before;
	const said = note?.trim() ?? '';
	const entry = editEntry(`incident.${step}`, 'Incident', before, project_id, changesOf(before, next));
	const [after, entries] = await commit(ctx, actor, {
		expect: [unchanged(incidents, before)],
		statements: [
			ctx.db
				.update(incidents)
				.set({ ...next, ...edited(ctx, before) })
				.where(and(eq(incidents.id, id), eq(incidents.version, before.version)))
				.returning(),
			tell(ctx, actor, id, {
				kind: 'status',
				ref: { type: 'status', step, from: before.status, to: next.status },
				body: said,
			}),
		],
		audit: [{ ...entry, metadata: { ...entry.metadata, ...(said !== '' && { note: said }) } }],
	});
	const incident = one(after, 'incident');
	ctx.after(ctx.live.changed(changesFor(incident, entries)));
	return viewOf(incident);
}

function whyNot(incident: Incident, step: IncidentStep): string {
	if (step === 'acknowledge' && incident.acknowledged_at !== null) return 'The incident is acknowledged already.';
	return `The incident is ${incident.status}: ${step} is for one that is ${incidentSteps[step].from.join(' or ')}.`;
}
