import type { Group, GroupCreate } from '#domain/group.ts';
import { groups } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { enter } from '../gate.ts';
import { stillAdmin } from '../users/rules.ts';

export async function createGroup(ctx: Ctx, input: GroupCreate): Promise<Group> {
	const { actor } = await enter(ctx, 'group.create', null, []);
	const [rows] = await commit(ctx, actor, {
		expect: [stillAdmin(actor)],
		statements: [
			ctx.db
				.insert(groups)
				.values({ ...input, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'group.create',
				object_type: 'Group',
				object_id: lastInserted('groups'),
				project_id: null,
				metadata: { name: input.name },
			},
		],
	});
	return { ...one(rows, 'group'), members: 0, projects: 0 };
}
