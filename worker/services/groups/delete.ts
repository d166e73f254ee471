import { eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { groups } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, one, unchanged } from '../edit.ts';
import { enter } from '../gate.ts';
import { stillAdmin } from '../users/rules.ts';
import { selectGroups } from './rows.ts';

/** Removes a group that reaches no project any more. The people in it stay. */
export async function deleteGroup(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, rows } = await enter(ctx, 'group.delete', null, [selectGroups(ctx).where(eq(groups.id, id))]);
	const before = one(rows[0], 'group');
	await assertFresh(ctx, 'Group', before, version);
	if (before.projects > 0)
		throw conflict(
			`The group reaches ${String(before.projects)} projects: take that access away in their settings first.`,
		);
	await commit(ctx, actor, {
		expect: [
			stillAdmin(actor),
			unchanged(groups, before),
			sql`not exists (select 1 from project_groups where group_id = ${id})`,
		],
		statements: [ctx.db.delete(groups).where(eq(groups.id, id))],
		audit: [
			{
				action: 'group.delete',
				object_type: 'Group',
				object_id: id,
				project_id: null,
				metadata: { name: before.name, members: before.members },
			},
		],
	});
}
