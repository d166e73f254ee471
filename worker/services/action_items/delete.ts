import { eq } from 'drizzle-orm';
import { action_items } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { actionQuery } from './rows.ts';

export async function deleteAction(ctx: Ctx, incident_id: number, id: number, version: number): Promise<void> {
	const { actor, project, rows } = await enter(ctx, 'action_item.delete', ofRow('incident', incident_id), [
		actionQuery(ctx, incident_id, id),
	]);
	const before = one(rows[0], 'action');
	await assertFresh(ctx, 'ActionItem', before, version);
	assertWritable(project);
	const project_id = project?.id ?? null;
	await commit(ctx, actor, {
		expect: [unchanged(action_items, before)],
		statements: [ctx.db.delete(action_items).where(eq(action_items.id, id))],
		audit: [
			{
				action: 'action_item.delete',
				object_type: 'ActionItem',
				object_id: id,
				project_id,
				metadata: { incident_id, title: before.title, owner_id: before.owner_id, state: before.state },
			},
		],
	});
	if (project_id !== null) ctx.after(ctx.live.changed([{ project_id, entity: 'action_item', id, row: null }]));
}
