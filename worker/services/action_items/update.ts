import { and, eq } from 'drizzle-orm';
import type { ActionItem, ActionItemPatch } from '#domain/postmortem.ts';
import { action_items } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, changesOf, edited, editEntry, isEmpty, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { actionQuery, assertOwner, ownerQuery } from './rows.ts';

export async function updateAction(
	ctx: Ctx,
	incident_id: number,
	id: number,
	version: number,
	patch: ActionItemPatch,
): Promise<ActionItem> {
	const { actor, project, rows } = await enter(ctx, 'action_item.update', ofRow('incident', incident_id), [
		actionQuery(ctx, incident_id, id),
		ownerQuery(ctx, patch.owner_id),
	]);
	const before = one(rows[0], 'action');
	await assertFresh(ctx, 'ActionItem', before, version);
	assertWritable(project);
	assertOwner(patch.owner_id, rows[1]);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;

	const project_id = project?.id ?? null;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(action_items, before)],
		statements: [
			ctx.db
				.update(action_items)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(action_items.id, id), eq(action_items.version, before.version)))
				.returning(),
		],
		audit: [editEntry('action_item.update', 'ActionItem', before, project_id, changes)],
	});
	const action = one(after, 'action');
	if (project_id !== null) ctx.after(ctx.live.changed([{ project_id, entity: 'action_item', id, row: action }]));
	return action;
}
