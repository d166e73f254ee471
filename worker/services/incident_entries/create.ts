import { sql } from 'drizzle-orm';
import type { EntryCreate, IncidentEntry } from '#domain/incident-entry.ts';
import { incident_entries } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertPast } from '../incidents/references.ts';

/** A message or a note; one that is told later stands where it happened. */
export async function createEntry(ctx: Ctx, incident_id: number, input: EntryCreate): Promise<IncidentEntry> {
	const { actor, project } = await enter(ctx, 'incident_entry.create', ofRow('incident', incident_id), []);
	assertWritable(project);
	assertPast(ctx, 'at', input.at);
	const project_id = project?.id ?? null;
	const [made] = await commit(ctx, actor, {
		expect: [sql`exists (select 1 from incidents where id = ${incident_id})`],
		statements: [
			ctx.db
				.insert(incident_entries)
				.values({
					...input,
					at: input.at ?? new Date(ctx.now()).toISOString(),
					incident_id,
					author_id: actor.id,
					...created(ctx),
				})
				.returning(),
		],
		audit: [
			{
				action: 'incident_entry.create',
				object_type: 'IncidentEntry',
				object_id: lastInserted('incident_entries'),
				project_id,
				metadata: { incident_id, kind: input.kind },
			},
		],
	});
	const entry = one(made, 'entry');
	if (project_id !== null)
		ctx.after(ctx.live.changed([{ project_id, entity: 'incident_entry', id: entry.id, row: entry }]));
	return entry;
}
