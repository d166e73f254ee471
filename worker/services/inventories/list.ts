import { and, eq, getTableColumns, or } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import type { Inventory } from '#domain/inventory.ts';
import { SourceType } from '#domain/source.ts';
import { inventories } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { omit } from '../omit.ts';

export const InventoryList = z.strictObject({
	...ListQuery,
	sort: sortBy(['created_at', 'updated_at', 'source_location'], '-created_at'),
	source_type: SourceType.optional(),
	repo_id: z.coerce.number().pipe(Id).optional(),
});

const columns = omit(getTableColumns(inventories), 'groups_json');

/** `q` looks in what is said of it, and where it lies. */
export async function listInventories(
	ctx: Ctx,
	project_id: number,
	query: z.infer<typeof InventoryList>,
): Promise<Page<Inventory>> {
	const { created_at, updated_at, source_location } = inventories;
	const { limit, orderBy, page, where } = keyset(query, { created_at, updated_at, source_location }, inventories.id);
	const { rows } = await enter(ctx, 'inventory.list', inProject(project_id), [
		ctx.db
			.select(columns)
			.from(inventories)
			.where(
				and(
					eq(inventories.project_id, project_id),
					where,
					query.source_type && eq(inventories.source_type, query.source_type),
					query.repo_id ? eq(inventories.repo_id, query.repo_id) : undefined,
					or(holds(inventories.summary, query.q), holds(inventories.source_location, query.q)),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
