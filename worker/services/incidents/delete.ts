import { eq, sql } from 'drizzle-orm';
import { incidents } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertNothingHangs, hangingOn } from '../hanging.ts';

/** Removes an incident that was opened by mistake: nothing was said, linked or written of it. Any other is history, and stays. */
export async function deleteIncident(ctx: Ctx, id: number, version: number): Promise<void> {
	const said = sql`(select count(*) from incident_entries where incident_id = ${id} and kind in ('message', 'note', 'alert'))`;
	const { counts, none } = hangingOn(incidents, id, { also: { incident_entries: said } });
	const { actor, project, rows } = await enter(ctx, 'incident.delete', ofRow('incident', id), [
		ctx.db.select().from(incidents).where(eq(incidents.id, id)),
		ctx.db.select({ counts }).from(sql`(select 1)`),
	]);
	const before = one(rows[0], 'incident');
	await assertFresh(ctx, 'Incident', before, version);
	assertWritable(project);
	assertNothingHangs('incident', rows[1][0]?.counts, 'Close it instead.');

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(incidents, before), none],
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
