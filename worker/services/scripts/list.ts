import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import { LocationType, type ScriptRef } from '#domain/script.ts';
import { Tool } from '#domain/tool.ts';
import { script_refs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const ScriptList = z.strictObject({
	...ListQuery,
	sort: sortBy(['name', 'created_at', 'updated_at'], 'name'),
	tool: Tool.optional(),
	location_type: LocationType.optional(),
});

export async function listScripts(
	ctx: Ctx,
	project_id: number,
	query: z.infer<typeof ScriptList>,
): Promise<Page<ScriptRef>> {
	const { name, created_at, updated_at } = script_refs;
	const { limit, orderBy, page, where } = keyset(query, { name, created_at, updated_at }, script_refs.id);
	const { rows } = await enter(ctx, 'script.list', inProject(project_id), [
		ctx.db
			.select()
			.from(script_refs)
			.where(
				and(
					eq(script_refs.project_id, project_id),
					where,
					query.tool && eq(script_refs.tool, query.tool),
					query.location_type && eq(script_refs.location_type, query.location_type),
					holds(script_refs.name, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
