import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import type { HubSecret } from '#domain/hub-secret.ts';
import { hub_secrets } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { hubSecretColumns } from './rows.ts';

export const HubSecretList = z.strictObject({
	...ListQuery,
	sort: sortBy(['name', 'created_at', 'updated_at'], 'name'),
});

/** The names of a project's keys. */
export async function listHubSecrets(
	ctx: Ctx,
	project_id: number,
	query: z.infer<typeof HubSecretList>,
): Promise<Page<HubSecret>> {
	const { name, created_at, updated_at } = hub_secrets;
	const { limit, orderBy, page, where } = keyset(query, { name, created_at, updated_at }, hub_secrets.id);
	const { rows } = await enter(ctx, 'hub_secret.list', inProject(project_id), [
		ctx.db
			.select(hubSecretColumns)
			.from(hub_secrets)
			.where(and(eq(hub_secrets.project_id, project_id), where, holds(name, query.q)))
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
