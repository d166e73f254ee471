import { sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import type { WebhookDelivery } from '#domain/webhook.ts';
import { webhook_deliveries } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enqueue } from './enqueue.ts';
import { assertOpen, deliveryColumns, enterWebhook, tellWebhook } from './rows.ts';

/** Tries a webhook out: it is told that it is one. */
export async function pingWebhook(ctx: Ctx, id: number): Promise<WebhookDelivery> {
	const { actor, webhook, project_status } = await enterWebhook(ctx, 'webhook.ping', id, []);
	assertOpen(project_status);
	if (webhook.status !== 'active') throw conflict(`The webhook is ${webhook.status}: turn it on first.`);
	const { project_id } = webhook;
	const payload = sql`json_object(
		'event', 'ping',
		'action', 'webhook.ping',
		'at', ${new Date(ctx.now()).toISOString()},
		'project', (select json_object('id', id, 'name', name) from projects where id = ${project_id}),
		'actor', json_object('kind', 'user', 'id', ${actor.id}),
		'object_type', 'Webhook',
		'object_id', ${id},
		'object', json_object('id', ${id}, 'name', ${webhook.name}))`;
	const [, made] = await commit(ctx, actor, {
		statements: [
			enqueue(ctx, 'ping', payload, sql`webhooks.id = ${id} and webhooks.status = 'active'`),
			ctx.db
				.select(deliveryColumns)
				.from(webhook_deliveries)
				.where(sql`${webhook_deliveries.id} = ${lastInserted('webhook_deliveries')}`),
		],
		audit: [{ action: 'webhook.ping', object_type: 'Webhook', object_id: id, project_id }],
	});
	tellWebhook(ctx, webhook);
	ctx.after(ctx.deliver());
	return one(made, 'delivery');
}
