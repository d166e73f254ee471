import { sql } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import type { IncidentCreate, IncidentView } from '#domain/incident.ts';
import { incidents } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { tell } from '../incident_entries/tell.ts';
import { assertEnvironment, assertPast, environmentQuery, stillThere } from './references.ts';
import { changesFor, viewOf } from './rows.ts';

/** Opens an incident; its timeline begins with that. */
export async function createIncident(ctx: Ctx, project_id: number, input: IncidentCreate): Promise<IncidentView> {
	const { actor, project, rows } = await enter(ctx, 'incident.create', inProject(project_id), [
		environmentQuery(ctx, sql`${project_id}`, input.environment_id),
	]);
	assertWritable(project);
	assertEnvironment(input.environment_id, rows[0]);
	assertPast(ctx, 'detected_at', input.detected_at);
	const detected_at = input.detected_at ?? new Date(ctx.now()).toISOString();
	if (input.started_at && input.started_at > detected_at) throw invalid('started_at', 'must not be after detected_at');

	const [made, entries] = await commit(ctx, actor, {
		expect: [writable(project_id), ...stillThere(project_id, input.environment_id)],
		statements: [
			ctx.db
				.insert(incidents)
				.values({ ...input, detected_at, project_id, ...created(ctx) })
				.returning(),
			tell(ctx, actor, sql<number>`${lastInserted('incidents')}`, {
				kind: 'status',
				ref: { type: 'status', step: 'open', from: null, to: 'open' },
			}),
		],
		audit: [
			{
				action: 'incident.create',
				object_type: 'Incident',
				object_id: lastInserted('incidents'),
				project_id,
				metadata: { title: input.title, severity: input.severity, environment_id: input.environment_id },
			},
		],
	});
	const incident = one(made, 'incident');
	ctx.after(ctx.live.changed(changesFor(incident, entries)));
	return viewOf(incident);
}
