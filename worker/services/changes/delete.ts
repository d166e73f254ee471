import { eq } from 'drizzle-orm';
import { git_changes } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Nothing refers to a change: it goes alone. */
export async function deleteChange(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, project, rows } = await enter(ctx, 'change.delete', ofRow('change', id), [
		ctx.db.select().from(git_changes).where(eq(git_changes.id, id)),
	]);
	const before = one(rows[0], 'change');
	await assertFresh(ctx, 'GitChange', before, version);
	assertWritable(project);

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(git_changes, before)],
		statements: [ctx.db.delete(git_changes).where(eq(git_changes.id, id))],
		audit: [
			{
				action: 'change.delete',
				object_type: 'GitChange',
				object_id: id,
				project_id,
				metadata: { external_id: before.external_id },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'change', id, row: null }]));
}
