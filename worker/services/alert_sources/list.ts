import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { type AlertSource, AlertSourceKind } from '#domain/alert.ts';
import { Id, ListQuery } from '#domain/common.ts';
import { alert_sources } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { sourceColumns } from './rows.ts';

export const AlertSourceList = z.strictObject({
	...ListQuery,
	sort: sortBy(['name', 'created_at', 'updated_at'], 'name'),
	kind: AlertSourceKind.optional(),
	environment_id: z.coerce.number().pipe(Id).optional(),
});

export async function listAlertSources(
	ctx: Ctx,
	project_id: number,
	query: z.infer<typeof AlertSourceList>,
): Promise<Page<AlertSource>> {
	const { name, created_at, updated_at } = alert_sources;
	const { limit, orderBy, page, where } = keyset(query, { name, created_at, updated_at }, alert_sources.id);
	const { rows } = await enter(ctx, 'alert_source.list', inProject(project_id), [
		ctx.db
			.select(sourceColumns)
			.from(alert_sources)
			.where(
				and(
					eq(alert_sources.project_id, project_id),
					where,
					query.kind && eq(alert_sources.kind, query.kind),
					query.environment_id ? eq(alert_sources.environment_id, query.environment_id) : undefined,
					holds(name, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
