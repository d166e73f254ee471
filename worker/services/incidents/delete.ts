import { eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { incidents } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Removes an incident that was opened by mistake: nothing was said, linked or written of it. Any other is history, and stays. */
export async function deleteIncident(ctx: Ctx, id: number, version: number): Promise<void> {
	const count = {
		entries: sql<number>`(select count(*) from incident_entries where incident_id = ${id} and kind in ('message', 'note', 'alert'))`,
		links: sql<number>`(select count(*) from incident_links where incident_id = ${id})`,
		changes: sql<number>`(select count(*) from git_changes where incident_id = ${id})`,
		metrics: sql<number>`(select count(*) from metric_refs where incident_id = ${id})`,
		postmortems: sql<number>`(select count(*) from postmortems where incident_id = ${id})`,
	};
	const { actor, project, rows } = await enter(ctx, 'incident.delete', ofRow('incident', id), [
		ctx.db.select().from(incidents).where(eq(incidents.id, id)),
		ctx.db.select(count).from(sql`(select 1)`),
	]);
	const before = one(rows[0], 'incident');
	await assertFresh(ctx, 'Incident', before, version);
	assertWritable(project);
	const hanging = Object.entries(rows[1][0] ?? {}).flatMap(([name, n]) => (n > 0 ? [`${name}: ${String(n)}`] : []));
	if (hanging.length > 0)
		throw conflict(`This incident has a history and stays (${hanging.join(', ')}). Close it instead.`);

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(incidents, before), sql`${sql.join(Object.values(count), sql` + `)} = 0`],
		// Its entries go with it: they only tell of its steps.
		statements: [ctx.db.delete(incidents).where(eq(incidents.id, id))],
		audit: [
			{
				action: 'incident.delete',
				object_type: 'Incident',
				object_id: id,
				project_id,
				metadata: { title: before.title, severity: before.severity, status: before.status },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'incident', id, row: null }]));
}
