import { and, eq } from 'drizzle-orm';
import { incident_links } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx, RowChange } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { tell } from '../incident_entries/tell.ts';
import { entryKindOf, linksQuery, refOf, targetOf } from './rows.ts';

/** Takes a link away; that it was there stays in the timeline. */
export async function deleteLink(ctx: Ctx, incident_id: number, id: number, version: number): Promise<void> {
	const { actor, project, rows } = await enter(ctx, 'incident_link.delete', ofRow('incident', incident_id), [
		linksQuery(ctx).where(and(eq(incident_links.id, id), eq(incident_links.incident_id, incident_id))),
	]);
	const { status, ...before } = one(rows[0], 'link');
	await assertFresh(ctx, 'IncidentLink', before, version);
	assertWritable(project);

	const project_id = project?.id ?? null;
	const [, entries] = await commit(ctx, actor, {
		expect: [unchanged(incident_links, before)],
		statements: [
			ctx.db.delete(incident_links).where(eq(incident_links.id, id)),
			tell(ctx, actor, incident_id, { kind: entryKindOf[before.kind], ref: refOf('removed', { ...before, status }) }),
		],
		audit: [
			{
				action: 'incident_link.delete',
				object_type: 'IncidentLink',
				object_id: id,
				project_id,
				metadata: { incident_id, kind: before.kind, target_id: targetOf(before), role: before.role },
			},
		],
	});
	if (project_id !== null)
		ctx.after(
			ctx.live.changed([
				{ project_id, entity: 'incident_link', id, row: null },
				...entries.map((entry): RowChange => ({ project_id, entity: 'incident_entry', id: entry.id, row: entry })),
			]),
		);
}
