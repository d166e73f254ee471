import { eq } from 'drizzle-orm';
import { freezes } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, unchanged } from '../edit.ts';
import { assertOpen, enterFreeze } from './rows.ts';
import { tellFreeze } from './tell.ts';

/** Lifts a freeze: what waited for its end starts. */
export async function deleteFreeze(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, freeze, project_status } = await enterFreeze(ctx, 'freeze.delete', id);
	await assertFresh(ctx, 'Freeze', freeze, version);
	assertOpen(project_status);
	const { project_id, environment_id, title, start, end, recurrence, reason } = freeze;
	await commit(ctx, actor, {
		expect: [unchanged(freezes, freeze)],
		statements: [ctx.db.delete(freezes).where(eq(freezes.id, id))],
		audit: [
			{
				action: 'freeze.delete',
				object_type: 'Freeze',
				object_id: id,
				project_id,
				metadata: { environment_id, title, start, end, recurrence, reason },
			},
		],
	});
	tellFreeze(ctx, project_id, id, null);
}
