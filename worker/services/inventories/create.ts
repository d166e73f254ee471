import { sql } from 'drizzle-orm';
import type { InventoryCreate, InventoryView } from '#domain/inventory.ts';
import { inventories } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertReferences, sourceColumns, stillThere, strayReference } from '../same-project.ts';
import { inventoryRow, readContent } from './content.ts';

/** An inventory of a project: its text, or where it lies. */
export async function createInventory(ctx: Ctx, project_id: number, input: InventoryCreate): Promise<InventoryView> {
	const source = sourceColumns(input);
	const { actor, project, rows } = await enter(ctx, 'inventory.create', inProject(project_id), [
		strayReference(ctx, sql`${project_id}`, source),
	]);
	assertWritable(project);
	assertReferences(rows[0]);
	const { content, format, summary } = input;
	const read = await readContent(ctx, project_id, content, { name: input.source_location, format });

	const [made] = await commit(ctx, actor, {
		expect: [writable(project_id), ...stillThere(project_id, source)],
		statements: [
			ctx.db
				.insert(inventories)
				.values({ ...source, summary, ...read, project_id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'inventory.create',
				object_type: 'Inventory',
				object_id: lastInserted('inventories'),
				project_id,
				metadata: { ...source, summary, sha256: read.sha256, hosts: read.host_count },
			},
		],
	});
	const view = one(made, 'inventory');
	ctx.after(ctx.live.changed([{ project_id, entity: 'inventory', id: view.id, row: inventoryRow(view) }]));
	return view;
}
