import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { ApiToken, ApiTokenCreate, ApiTokenMade, ApiTokenPatch } from '#domain/token.ts';
import { ifMatch, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { createToken } from '#worker/services/tokens/create.ts';
import { deleteToken } from '#worker/services/tokens/delete.ts';
import { listTokens, TokenList } from '#worker/services/tokens/list.ts';
import { readToken } from '#worker/services/tokens/read.ts';
import { updateToken } from '#worker/services/tokens/update.ts';

/** What programs sign in with. All of it is for people signed in: a token neither sees nor makes tokens. */
export const tokens = new Hono<AppEnv>()
	.get(
		'/tokens',
		describe('token.list', 'Your API tokens; with `user_id`, for admins, somebody else’s or all', {
			schema: pageOf(ApiToken),
		}),
		query(TokenList),
		async (c) => c.json(await listTokens(c.var.ctx, c.req.valid('query'))),
	)
	.post(
		'/tokens',
		describe('token.create', 'Make an API token of yours, which is shown this once', {
			status: 201,
			schema: ApiTokenMade,
		}),
		json(ApiTokenCreate),
		// Without an Idempotency-Key's replay: keeping the answer would keep the token.
		async (c) => row(c, await settled(() => createToken(c.var.ctx, c.req.valid('json'))), 201),
	)
	.get('/tokens/:id', describe('token.read', 'One API token', { schema: ApiToken }), idIn('token'), async (c) =>
		row(c, await readToken(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/tokens/:id',
		describe('token.update', 'Rename an API token', { schema: ApiToken }),
		idIn('token'),
		json(ApiTokenPatch),
		async (c) =>
			row(c, await settled(() => updateToken(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/tokens/:id',
		describe('token.delete', 'Revoke an API token; its sockets close', { status: 204 }),
		idIn('token'),
		async (c) => {
			await settled(() => deleteToken(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	);
