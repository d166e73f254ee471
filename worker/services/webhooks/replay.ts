import { and, eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import type { WebhookDelivery } from '#domain/webhook.ts';
import { webhook_deliveries } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { assertOpen, deliveryColumns, enterWebhook, tellWebhook } from './rows.ts';

/** Sends once more what was sent, under the same name. One that waits for its next try is tried at once. */
export async function replayDelivery(ctx: Ctx, id: number, delivery_id: number): Promise<WebhookDelivery> {
	const mine = and(eq(webhook_deliveries.id, delivery_id), eq(webhook_deliveries.webhook_id, id));
	const { actor, webhook, project_status, rows } = await enterWebhook(ctx, 'webhook.replay', id, [
		ctx.db.select().from(webhook_deliveries).where(mine),
	]);
	const { claimed_until } = one(rows[0], 'delivery');
	if (claimed_until !== null && Date.parse(claimed_until) > ctx.now()) throw conflict('It is being sent right now.');
	assertOpen(project_status);
	if (webhook.status !== 'active') throw conflict(`The webhook is ${webhook.status}: turn it on first.`);
	const now = new Date(ctx.now()).toISOString();
	const free = sql`(claimed_until is null or claimed_until <= ${ctx.now()})`;
	const [after] = await commit(ctx, actor, {
		expect: [sql`exists (select 1 from webhook_deliveries where id = ${delivery_id} and ${free})`],
		statements: [
			ctx.db
				.update(webhook_deliveries)
				.set({ status: 'pending', tries: 0, next_at: now, claimed_until: null })
				.where(mine)
				.returning(deliveryColumns),
		],
		audit: [
			{
				action: 'webhook.replay',
				object_type: 'Webhook',
				object_id: id,
				project_id: webhook.project_id,
				metadata: { delivery_id },
			},
		],
	});
	tellWebhook(ctx, webhook);
	ctx.after(ctx.deliver());
	return one(after, 'delivery');
}
