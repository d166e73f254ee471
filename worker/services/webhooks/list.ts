import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { type Webhook, WebhookStatus } from '#domain/webhook.ts';
import { webhooks } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { HUB_ACTION, webhookColumns } from './rows.ts';

export const WebhookList = z.strictObject({
	...ListQuery,
	sort: sortBy(['name', 'created_at', 'updated_at'], 'name'),
	/** A project's own; `none`: those of the whole hub. Without it, an admin gets all. */
	project_id: z.union([z.literal('none'), z.coerce.number().pipe(Id)]).optional(),
	status: WebhookStatus.optional(),
});

export async function listWebhooks(ctx: Ctx, query: z.infer<typeof WebhookList>): Promise<Page<Webhook>> {
	const { name, created_at, updated_at } = webhooks;
	const { limit, orderBy, page, where } = keyset(query, { name, created_at, updated_at }, webhooks.id);
	const { project_id } = query;
	const of = typeof project_id === 'number' ? project_id : null;
	const { rows } = await enter(ctx, of === null ? HUB_ACTION : 'webhook.list', of === null ? null : inProject(of), [
		ctx.db
			.select(webhookColumns)
			.from(webhooks)
			.where(
				and(
					isNull(webhooks.user_id),
					of !== null ? eq(webhooks.project_id, of) : project_id === 'none' ? isNull(webhooks.project_id) : undefined,
					where,
					query.status && eq(webhooks.status, query.status),
					// Not the address: who finds it piece by piece would learn it.
					holds(webhooks.name, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
