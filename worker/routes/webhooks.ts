import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { z } from 'zod';
import { Webhook, WebhookCreate, WebhookDelivery, WebhookPatch, WebhookWithSecret } from '#domain/webhook.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, IdInPath, idsIn, json, query } from '#worker/http/input.ts';
import { sealer } from '#worker/http/sealed-cookie.ts';
import { createWebhook } from '#worker/services/webhooks/create.ts';
import { deleteWebhook } from '#worker/services/webhooks/delete.ts';
import { DeliveryList, listDeliveries } from '#worker/services/webhooks/deliveries.ts';
import { listWebhooks, WebhookList } from '#worker/services/webhooks/list.ts';
import { pingWebhook } from '#worker/services/webhooks/ping.ts';
import { readWebhook } from '#worker/services/webhooks/read.ts';
import { replayDelivery } from '#worker/services/webhooks/replay.ts';
import { rotateWebhook } from '#worker/services/webhooks/rotate.ts';
import { updateWebhook } from '#worker/services/webhooks/update.ts';

const deliveryIn = idsIn('delivery', { id: IdInPath, delivery: IdInPath });

export const webhooks = new Hono<AppEnv>()
	.get(
		'/webhooks',
		describe('webhook.list', "A project's webhooks; an admin also gets those of the hub, or all", {
			schema: pageOf(Webhook),
		}),
		query(WebhookList),
		async (c) => c.json(await listWebhooks(c.var.ctx, c.req.valid('query'))),
	)
	.post(
		'/webhooks',
		describe('webhook.create', 'Tell a program elsewhere of events; what signs them is shown this once', {
			status: 201,
			schema: WebhookWithSecret,
		}),
		json(WebhookCreate),
		// Without an Idempotency-Key's replay: keeping the answer would keep the secret.
		async (c) => {
			const make = () => createWebhook(c.var.ctx, sealer(c), c.req.valid('json'));
			return row(c, await settled(make), 201);
		},
	)
	.get('/webhooks/:id', describe('webhook.read', 'One webhook', { schema: Webhook }), idIn('webhook'), async (c) =>
		row(c, await readWebhook(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/webhooks/:id',
		describe('webhook.update', 'Change a webhook, pause it or turn it on again', { schema: Webhook }),
		idIn('webhook'),
		json(WebhookPatch),
		async (c) => {
			const { id } = c.req.valid('param');
			const version = ifMatch(c);
			return row(c, await settled(() => updateWebhook(c.var.ctx, id, version, c.req.valid('json'))));
		},
	)
	.delete(
		'/webhooks/:id',
		describe('webhook.delete', 'Remove a webhook and its log', { status: 204 }),
		idIn('webhook'),
		async (c) => {
			await settled(() => deleteWebhook(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.post(
		'/webhooks/:id/secret',
		describe('webhook.rotate', 'Make a new secret, shown this once; the old one signs nothing more', {
			schema: WebhookWithSecret,
		}),
		idIn('webhook'),
		json(z.strictObject({})),
		async (c) => row(c, await settled(() => rotateWebhook(c.var.ctx, sealer(c), c.req.valid('param').id))),
	)
	.post(
		'/webhooks/:id/ping',
		describe('webhook.ping', 'Send it a ping, to try it out', { status: 201, schema: WebhookDelivery }),
		idIn('webhook'),
		json(z.strictObject({})),
		(c) => posted(c, 201, (ctx) => pingWebhook(ctx, c.req.valid('param').id)),
	)
	.get(
		'/webhooks/:id/deliveries',
		describe('webhook.list_deliveries', 'What it was told and what came of it, the latest 500', {
			schema: pageOf(WebhookDelivery),
		}),
		idIn('webhook'),
		query(DeliveryList),
		async (c) => c.json(await listDeliveries(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/webhooks/:id/deliveries/:delivery/replay',
		describe('webhook.replay', 'Send a delivery once more', { schema: WebhookDelivery }),
		deliveryIn,
		json(z.strictObject({})),
		(c) => {
			const { id, delivery } = c.req.valid('param');
			return posted(c, 200, (ctx) => replayDelivery(ctx, id, delivery));
		},
	);
