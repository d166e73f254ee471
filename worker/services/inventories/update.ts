import { and, eq } from 'drizzle-orm';
import type { InventoryPatch, InventoryView } from '#domain/inventory.ts';
import { inventories } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, changesOf, edited, editEntry, isEmpty, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { omit } from '../omit.ts';
import { inventoryRow, readContent } from './content.ts';

/** Edits what is said of an inventory, or gives it new text. */
export async function updateInventory(
	ctx: Ctx,
	id: number,
	version: number,
	patch: InventoryPatch,
): Promise<InventoryView> {
	const { actor, project, rows } = await enter(ctx, 'inventory.update', ofRow('inventory', id), [
		ctx.db.select().from(inventories).where(eq(inventories.id, id)),
	]);
	const before = one(rows[0], 'inventory');
	await assertFresh(ctx, 'Inventory', inventoryRow(before), version);
	assertWritable(project);

	const { project_id } = before;
	const { content, format, summary } = patch;
	const set = {
		...(summary !== undefined && { summary }),
		...(content !== undefined &&
			(await readContent(ctx, project_id, content, { name: before.source_location, format }))),
	};
	const changes = changesOf(before, set);
	if (isEmpty(changes)) return before;

	const [after] = await commit(ctx, actor, {
		expect: [unchanged(inventories, before)],
		statements: [
			ctx.db
				.update(inventories)
				.set({ ...set, ...edited(ctx, before) })
				.where(and(eq(inventories.id, id), eq(inventories.version, before.version)))
				.returning(),
		],
		// Variables may be secrets, and are large: the hash says that they changed.
		audit: [editEntry('inventory.update', 'Inventory', before, project_id, omit(changes, 'groups_json'))],
	});
	const view = one(after, 'inventory');
	ctx.after(ctx.live.changed([{ project_id, entity: 'inventory', id, row: inventoryRow(view) }]));
	return view;
}
