import type { OwnWebhookCreate, WebhookWithSecret } from '#domain/webhook.ts';
import { webhooks } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { enter } from '../gate.ts';
import type { Sealer } from '../sealed.ts';
import {
	assertAddress,
	hostOf,
	newSecret,
	newSecretName,
	SECRET_PURPOSE,
	tellWebhook,
	webhookColumns,
} from '../webhooks/rows.ts';

/** A webhook that is told what its person is told. Each has one, and it leads to the open internet only. What it signs with is shown this once. */
export async function createOwnWebhook(
	ctx: Ctx,
	sealer: Sealer,
	{ url }: OwnWebhookCreate,
): Promise<WebhookWithSecret> {
	const { actor } = await enter(ctx, 'me.webhook', null, []);
	assertAddress(url, []);
	const secret = newSecret();
	const secret_for = newSecretName();
	const sealed = await sealer.seal(SECRET_PURPOSE, secret_for, secret);
	const [made] = await commit(ctx, actor, {
		statements: [
			ctx.db
				.insert(webhooks)
				.values({
					user_id: actor.id,
					name: actor.username,
					url,
					events: [],
					secret: sealed,
					secret_for,
					...created(ctx),
				})
				.returning(webhookColumns),
		],
		audit: [
			{
				action: 'me.webhook',
				object_type: 'User',
				object_id: actor.id,
				project_id: null,
				metadata: { host: hostOf(url) },
			},
		],
	});
	const webhook = one(made, 'webhook');
	tellWebhook(ctx, webhook);
	return { ...webhook, secret };
}
