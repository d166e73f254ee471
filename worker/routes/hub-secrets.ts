import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { HubSecret, HubSecretName, HubSecretPut } from '#domain/hub-secret.ts';
import { settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, IdInPath, idsIn, json, query } from '#worker/http/input.ts';
import { sealer } from '#worker/http/sealed-cookie.ts';
import { deleteHubSecret } from '#worker/services/hub_secrets/delete.ts';
import { HubSecretList, listHubSecrets } from '#worker/services/hub_secrets/list.ts';
import { putHubSecret } from '#worker/services/hub_secrets/put.ts';

const keyIn = idsIn('key', { id: IdInPath, name: HubSecretName });

export const hubSecrets = new Hono<AppEnv>()
	.get(
		'/projects/:id/hub-secrets',
		describe('hub_secret.list', "The names of a project's keys that the hub itself signs and checks with", {
			schema: pageOf(HubSecret),
		}),
		idIn('project'),
		query(HubSecretList),
		async (c) => c.json(await listHubSecrets(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.put(
		'/projects/:id/hub-secrets/:name',
		describe('hub_secret.put', 'Set a key, or set it anew; it is never shown again', { schema: HubSecret }),
		keyIn,
		json(HubSecretPut),
		async (c) => {
			const { id, name } = c.req.valid('param');
			return c.json(await settled(() => putHubSecret(c.var.ctx, sealer(c), id, name, c.req.valid('json'))));
		},
	)
	.delete(
		'/projects/:id/hub-secrets/:name',
		describe('hub_secret.delete', 'Forget a key; what names it fails from now on', { status: 204 }),
		keyIn,
		async (c) => {
			const { id, name } = c.req.valid('param');
			await settled(() => deleteHubSecret(c.var.ctx, id, name));
			return c.body(null, 204);
		},
	);
