import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import { DeliveryStatus, type WebhookDelivery, WebhookEvent } from '#domain/webhook.ts';
import { webhook_deliveries } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { keyset, type Page, sortBy } from '../list.ts';
import { omit } from '../omit.ts';
import { deliveryColumns, enterWebhook } from './rows.ts';

export const DeliveryList = z.strictObject({
	...omit(ListQuery, 'q'),
	sort: sortBy(['created_at'], '-created_at'),
	status: DeliveryStatus.optional(),
	event: WebhookEvent.optional(),
});

/** What a webhook was told, and what came of it. */
export async function listDeliveries(
	ctx: Ctx,
	id: number,
	query: z.infer<typeof DeliveryList>,
): Promise<Page<WebhookDelivery>> {
	const { created_at } = webhook_deliveries;
	const { limit, orderBy, page, where } = keyset(query, { created_at }, webhook_deliveries.id);
	const { rows } = await enterWebhook(ctx, 'webhook.read', id, [
		ctx.db
			.select(deliveryColumns)
			.from(webhook_deliveries)
			.where(
				and(
					eq(webhook_deliveries.webhook_id, id),
					where,
					query.status && eq(webhook_deliveries.status, query.status),
					query.event && eq(webhook_deliveries.event, query.event),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
