import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import { type Environment, EnvironmentType } from '#domain/environment.ts';
import { environments } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const EnvironmentList = z.strictObject({
	...ListQuery,
	sort: sortBy(['name', 'created_at'], 'name'),
	type: EnvironmentType.optional(),
});

export async function listEnvironments(
	ctx: Ctx,
	project_id: number,
	query: z.infer<typeof EnvironmentList>,
): Promise<Page<Environment>> {
	const { name, created_at } = environments;
	const { limit, orderBy, page, where } = keyset(query, { name, created_at }, environments.id);
	const { rows } = await enter(ctx, 'environment.list', inProject(project_id), [
		ctx.db
			.select()
			.from(environments)
			.where(
				and(
					eq(environments.project_id, project_id),
					where,
					query.type && eq(environments.type, query.type),
					holds(environments.name, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
