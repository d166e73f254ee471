import type { WebhookCreate, WebhookWithSecret } from '#domain/webhook.ts';
import { webhooks } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import type { Sealer } from '../sealed.ts';
import {
	assertAddress,
	HUB_ACTION,
	hostOf,
	newSecret,
	newSecretName,
	SECRET_PURPOSE,
	tellWebhook,
	webhookColumns,
} from './rows.ts';

/** A webhook of a project, or of the whole hub. What it signs with is shown this once. */
export async function createWebhook(ctx: Ctx, sealer: Sealer, input: WebhookCreate): Promise<WebhookWithSecret> {
	const { project_id } = input;
	const { actor, project } = await enter(
		ctx,
		project_id === null ? HUB_ACTION : 'webhook.create',
		project_id === null ? null : inProject(project_id),
		[],
	);
	assertWritable(project);
	assertAddress(input.url, ctx.networks);
	const secret = newSecret();
	const secret_for = newSecretName();
	const sealed = await sealer.seal(SECRET_PURPOSE, secret_for, secret);
	const [made] = await commit(ctx, actor, {
		expect: project_id === null ? [] : [writable(project_id)],
		statements: [
			ctx.db
				.insert(webhooks)
				.values({ ...input, secret: sealed, secret_for, ...created(ctx) })
				.returning(webhookColumns),
		],
		audit: [
			{
				action: 'webhook.create',
				object_type: 'Webhook',
				object_id: lastInserted('webhooks'),
				project_id,
				metadata: { name: input.name, host: hostOf(input.url), events: input.events },
			},
		],
	});
	const webhook = one(made, 'webhook');
	tellWebhook(ctx, webhook);
	return { ...webhook, secret };
}
