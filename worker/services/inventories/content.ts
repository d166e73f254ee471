import { invalid } from '#domain/errors.ts';
import { type Inventory, type InventoryFormat, type InventoryView, noGroups } from '#domain/inventory.ts';
import type { Ctx } from '../context.ts';
import { storeDocument } from '../documents.ts';
import { omit } from '../omit.ts';
import { NotAnInventory } from './budget.ts';
import { type Parsed, parseInventory } from './parse.ts';

const nothingKnown = { format: null, sha256: null, size: null, group_count: 0, host_count: 0, groups_json: noGroups };

/** Keeps an inventory's text, and gives the columns that follow from it. Throws `invalid` where it is none. */
export async function readContent(
	ctx: Ctx,
	project_id: number,
	text: string | undefined,
	{ name, format }: { name: string; format?: InventoryFormat | undefined },
) {
	if (text === undefined) return nothingKnown;
	const parsed = parsedOf(text, name, format);
	const { sha256, size } = await storeDocument(ctx.store, 'inventories', project_id, new TextEncoder().encode(text));
	return { ...parsed, sha256, size };
}

function parsedOf(text: string, name: string, format?: InventoryFormat): Parsed {
	try {
		return parseInventory(text, name, format);
	} catch (error) {
		if (!(error instanceof NotAnInventory)) throw error;
		throw invalid('content', error.line === null ? error.message : `line ${String(error.line)}: ${error.message}`);
	}
}

/** As it stands in lists, and as open pages are told: without what is in it. */
export const inventoryRow = (view: InventoryView): Inventory => omit(view, 'groups_json');
