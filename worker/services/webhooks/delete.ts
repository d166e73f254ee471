import { eq } from 'drizzle-orm';
import { webhook_deliveries, webhooks } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, unchanged } from '../edit.ts';
import { assertOpen, enterWebhook, hostOf } from './rows.ts';

/** Removes a webhook, with what was to be told and the log of what was. */
export async function deleteWebhook(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, webhook, project_status } = await enterWebhook(ctx, 'webhook.delete', id, []);
	await assertFresh(ctx, 'Webhook', webhook, version);
	assertOpen(project_status);
	const { project_id, name, url, events } = webhook;
	await commit(ctx, actor, {
		expect: [unchanged(webhooks, webhook)],
		statements: [
			ctx.db.delete(webhook_deliveries).where(eq(webhook_deliveries.webhook_id, id)),
			ctx.db.delete(webhooks).where(eq(webhooks.id, id)),
		],
		audit: [
			{
				action: 'webhook.delete',
				object_type: 'Webhook',
				object_id: id,
				project_id,
				metadata: { name, host: hostOf(url), events },
			},
		],
	});
	if (project_id !== null) ctx.after(ctx.live.changed([{ project_id, entity: 'webhook', id, row: null }]));
}
