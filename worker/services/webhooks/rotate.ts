import { and, eq } from 'drizzle-orm';
import type { WebhookWithSecret } from '#domain/webhook.ts';
import { webhooks } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { edited, one, unchanged } from '../edit.ts';
import type { Sealer } from '../sealed.ts';
import {
	assertOpen,
	enterWebhook,
	newSecret,
	newSecretName,
	SECRET_PURPOSE,
	tellWebhook,
	webhookColumns,
} from './rows.ts';

/** Makes a new secret, shown this once. What is sent from now on is signed with it alone. */
export async function rotateWebhook(ctx: Ctx, sealer: Sealer, id: number): Promise<WebhookWithSecret> {
	const { actor, webhook, project_status } = await enterWebhook(ctx, 'webhook.rotate', id, []);
	assertOpen(project_status);
	const secret = newSecret();
	const secret_for = newSecretName();
	const sealed = await sealer.seal(SECRET_PURPOSE, secret_for, secret);
	const { project_id } = webhook;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(webhooks, webhook)],
		statements: [
			ctx.db
				.update(webhooks)
				.set({ secret: sealed, secret_for, ...edited(ctx, webhook) })
				.where(and(eq(webhooks.id, id), eq(webhooks.version, webhook.version)))
				.returning(webhookColumns),
		],
		audit: [{ action: 'webhook.rotate', object_type: 'Webhook', object_id: id, project_id }],
	});
	tellWebhook(ctx, webhook);
	return { ...one(after, 'webhook'), secret };
}
