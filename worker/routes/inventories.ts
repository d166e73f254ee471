import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { Inventory, InventoryCreate, InventoryPatch, InventoryView } from '#domain/inventory.ts';
import { INLINE_CONTENT_MAX } from '#domain/script.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { attachment, UNTRUSTED_CSP } from '#worker/http/headers.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { createInventory } from '#worker/services/inventories/create.ts';
import { deleteInventory } from '#worker/services/inventories/delete.ts';
import { InventoryList, listInventories } from '#worker/services/inventories/list.ts';
import { readInventory, readInventoryContent } from '#worker/services/inventories/read.ts';
import { updateInventory } from '#worker/services/inventories/update.ts';

/** JSON writes a byte of text in as many as six. */
const withContent = { max: 6 * INLINE_CONTENT_MAX + 65_536 };

export const inventories = new Hono<AppEnv>()
	.get(
		'/projects/:id/inventories',
		describe('inventory.list', 'A project’s Ansible inventories', { schema: pageOf(Inventory) }),
		idIn('project'),
		query(InventoryList),
		async (c) => c.json(await listInventories(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/projects/:id/inventories',
		describe('inventory.create', 'Add an inventory: its text (INI or YAML), or where it lies', {
			status: 201,
			schema: InventoryView,
		}),
		idIn('project'),
		json(InventoryCreate, withContent),
		(c) => posted(c, 201, (ctx) => createInventory(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get(
		'/inventories/:id',
		describe('inventory.read', 'One inventory', { schema: InventoryView }),
		idIn('inventory'),
		async (c) => row(c, await readInventory(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/inventories/:id',
		describe('inventory.update', 'Change an inventory', { schema: InventoryView }),
		idIn('inventory'),
		json(InventoryPatch, withContent),
		async (c) =>
			row(c, await settled(() => updateInventory(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/inventories/:id',
		describe('inventory.delete', 'Remove an inventory', { status: 204 }),
		idIn('inventory'),
		async (c) => {
			await settled(() => deleteInventory(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.get(
		'/inventories/:id/content',
		describe('inventory.read_content', 'The text of an inventory, as it was sent', { media: 'text/plain' }),
		idIn('inventory'),
		async (c) => {
			const { inventory, bytes } = await readInventoryContent(c.var.ctx, c.req.valid('param').id);
			return c.body(new Uint8Array(bytes), 200, {
				'content-type': 'text/plain; charset=utf-8',
				'content-disposition': attachment(inventory.source_location),
				'content-security-policy': UNTRUSTED_CSP,
				etag: `"v${String(inventory.version)}"`,
			});
		},
	);
