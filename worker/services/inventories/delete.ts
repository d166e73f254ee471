import { eq } from 'drizzle-orm';
import { inventories } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Nothing refers to an inventory: it goes alone. Its text stays where its hash leads: another may have the same. */
export async function deleteInventory(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, project, rows } = await enter(ctx, 'inventory.delete', ofRow('inventory', id), [
		ctx.db.select().from(inventories).where(eq(inventories.id, id)),
	]);
	const before = one(rows[0], 'inventory');
	await assertFresh(ctx, 'Inventory', before, version);
	assertWritable(project);

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(inventories, before)],
		statements: [ctx.db.delete(inventories).where(eq(inventories.id, id))],
		audit: [
			{
				action: 'inventory.delete',
				object_type: 'Inventory',
				object_id: id,
				project_id,
				metadata: { source_location: before.source_location, sha256: before.sha256 },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'inventory', id, row: null }]));
}
