import { and, eq } from 'drizzle-orm';
import type { Group, GroupPatch } from '#domain/group.ts';
import { groups } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, changesOf, edited, editEntry, isEmpty, one, unchanged } from '../edit.ts';
import { enter } from '../gate.ts';
import { stillAdmin } from '../users/rules.ts';
import { selectGroups } from './rows.ts';

export async function updateGroup(ctx: Ctx, id: number, version: number, patch: GroupPatch): Promise<Group> {
	const { actor, rows } = await enter(ctx, 'group.update', null, [selectGroups(ctx).where(eq(groups.id, id))]);
	const before = one(rows[0], 'group');
	await assertFresh(ctx, 'Group', before, version);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;
	const [after] = await commit(ctx, actor, {
		expect: [stillAdmin(actor), unchanged(groups, before)],
		statements: [
			ctx.db
				.update(groups)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(groups.id, id), eq(groups.version, before.version)))
				.returning(),
		],
		audit: [editEntry('group.update', 'Group', before, null, changes)],
	});
	return { ...before, ...one(after, 'group') };
}
