import { and, eq } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import type { Webhook, WebhookPatch } from '#domain/webhook.ts';
import { webhooks } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, changesOf, defined, edited, editEntry, isEmpty, one, unchanged, writable } from '../edit.ts';
import { assertAddress, assertOpen, enterWebhook, hostOf, tellWebhook, webhookColumns } from './rows.ts';

/** Edits a webhook. One that the hub gave up on starts with a clean slate when it is turned on again. */
export async function updateWebhook(ctx: Ctx, id: number, version: number, patch: WebhookPatch): Promise<Webhook> {
	const { actor, webhook: before, project_status } = await enterWebhook(ctx, 'webhook.update', id, []);
	await assertFresh(ctx, 'Webhook', before, version);
	assertOpen(project_status);
	assertAddress(patch.url, before.user_id === null ? ctx.networks : []);
	if (before.user_id !== null && patch.events) throw invalid('events', 'are chosen with your notifications');
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;
	const { project_id } = before;
	const again = 'status' in changes || 'url' in changes;
	const audited = { ...changes };
	if (changes.url && patch.url !== undefined) audited.url = { from: hostOf(before.url), to: hostOf(patch.url) };

	const [after] = await commit(ctx, actor, {
		expect: [unchanged(webhooks, before), ...(project_id === null ? [] : [writable(project_id)])],
		statements: [
			ctx.db
				.update(webhooks)
				.set({
					...defined(patch),
					...(again && { disabled_reason: null, failing_since: null }),
					...edited(ctx, before),
				})
				.where(and(eq(webhooks.id, id), eq(webhooks.version, before.version)))
				.returning(webhookColumns),
		],
		audit: [editEntry('webhook.update', 'Webhook', before, project_id, audited)],
	});
	const webhook = one(after, 'webhook');
	tellWebhook(ctx, webhook);
	// What waited for it to be on again goes out now.
	if (webhook.status === 'active') ctx.after(ctx.deliver());
	return webhook;
}
