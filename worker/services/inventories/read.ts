import { eq } from 'drizzle-orm';
import { notFound } from '#domain/errors.ts';
import type { InventoryView } from '#domain/inventory.ts';
import { inventories } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { documentKey } from '../documents.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

export async function readInventory(ctx: Ctx, id: number): Promise<InventoryView> {
	const { rows } = await enter(ctx, 'inventory.read', ofRow('inventory', id), [
		ctx.db.select().from(inventories).where(eq(inventories.id, id)),
	]);
	return one(rows[0], 'inventory');
}

/** The text as it was sent. */
export async function readInventoryContent(
	ctx: Ctx,
	id: number,
): Promise<{ inventory: InventoryView; bytes: Uint8Array }> {
	const inventory = await readInventory(ctx, id);
	const { project_id, sha256 } = inventory;
	const bytes = sha256 === null ? null : await ctx.store.get(documentKey('inventories', project_id, sha256));
	if (bytes === null) throw notFound('content here: the inventory lies elsewhere');
	return { inventory, bytes };
}
