import { and, eq, sql } from 'drizzle-orm';
import { forbidden, invalid } from '#domain/errors.ts';
import type { IncidentPatch, IncidentView } from '#domain/incident.ts';
import { can } from '#domain/permissions.ts';
import { incidents } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import {
	assertFresh,
	assertWritable,
	changesOf,
	defined,
	edited,
	editEntry,
	isEmpty,
	one,
	unchanged,
} from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { tell } from '../incident_entries/tell.ts';
import { assertEnvironment, assertPast, environmentQuery, stillThere } from './references.ts';
import { changesFor, viewOf } from './rows.ts';

/** Edits what an incident says of itself. Another severity needs a right of its own, and stands in the timeline. */
export async function updateIncident(
	ctx: Ctx,
	id: number,
	version: number,
	patch: IncidentPatch,
): Promise<IncidentView> {
	const { access, actor, project, rows } = await enter(ctx, 'incident.update', ofRow('incident', id), [
		ctx.db.select().from(incidents).where(eq(incidents.id, id)),
		environmentQuery(ctx, sql`(select project_id from incidents where id = ${id})`, patch.environment_id),
	]);
	const before = one(rows[0], 'incident');
	await assertFresh(ctx, 'Incident', before, version);
	assertWritable(project);
	assertEnvironment(patch.environment_id, rows[1]);
	assertPast(ctx, 'detected_at', patch.detected_at);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return viewOf(before);
	const next = { ...before, ...defined(patch) };
	if (next.started_at !== null && next.started_at > next.detected_at)
		throw invalid(patch.started_at ? 'started_at' : 'detected_at', 'started_at must not be after detected_at');
	if ('severity' in changes) {
		const verdict = can(actor, 'incident.update_severity', { access });
		if (!verdict.allowed) throw forbidden(verdict.missing);
	}

	const { project_id } = before;
	const severity = { type: 'severity', from: before.severity, to: next.severity } as const;
	const [after, entries = []] = await commit(ctx, actor, {
		expect: [unchanged(incidents, before), ...stillThere(project_id, patch.environment_id)],
		statements: [
			ctx.db
				.update(incidents)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(incidents.id, id), eq(incidents.version, before.version)))
				.returning(),
			...('severity' in changes ? [tell(ctx, actor, id, { kind: 'status', ref: severity })] : []),
		],
		audit: [editEntry('incident.update', 'Incident', before, project_id, changes)],
	});
	const incident = one(after, 'incident');
	ctx.after(ctx.live.changed(changesFor(incident, entries)));
	return viewOf(incident);
}
