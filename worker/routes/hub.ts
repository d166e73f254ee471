import { Hono } from 'hono';
import { z } from 'zod';
import { HubStatus } from '#domain/hub.ts';
import { FirstAdmin, User } from '#domain/user.ts';
import { row } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { json } from '#worker/http/input.ts';
import { giveSession, takeSession } from '#worker/http/session-cookie.ts';
import { needsSetup, setup } from '#worker/services/hub/setup.ts';
import { readStatus } from '#worker/services/hub/status.ts';
import { readMe } from '#worker/services/me/read.ts';
import { deleteSession } from '#worker/services/session/delete.ts';
import { passwords } from '#worker/services/session/passwords.ts';
import { endToken } from '#worker/services/tokens/end.ts';

export const Health = z.object({ status: z.literal('ok'), version: z.string() });
/** `needed`: there are no people yet, and the first visitor becomes the admin. */
export const Setup = z.object({ needed: z.boolean() });

export const hub = new Hono<AppEnv>()
	.get('/health', describe('hub.health', 'Whether the hub answers', { schema: Health }), (c) =>
		c.json<z.infer<typeof Health>>({ status: 'ok', version: c.env.UHUB_VERSION }),
	)
	.get('/hub/status', describe('hub.status', 'How the hub itself is', { schema: HubStatus }), async (c) =>
		c.json(await readStatus(c.var.ctx, 'hub.status', c.env.UHUB_VERSION)),
	)
	.get(
		'/setup',
		describe('hub.setup_state', 'Whether the hub waits for its first admin', { schema: Setup }),
		async (c) => c.json<z.infer<typeof Setup>>({ needed: await needsSetup(c.var.ctx) }),
	)
	.post(
		'/auth/setup',
		describe('hub.setup', 'Make the first admin of an empty hub, and sign in', { status: 201, schema: User }),
		json(FirstAdmin),
		async (c) => {
			const made = await setup(c.var.ctx, passwords, c.req.valid('json'), c.req.header('user-agent') ?? null);
			giveSession(c, made.session);
			return row(c, made.user, 201);
		},
	)
	.post(
		'/auth/logout',
		describe('session.delete', 'Sign out: the session, or the token, that this comes with is over', { status: 204 }),
		json(z.strictObject({})),
		async (c) => {
			const { ctx } = c.var;
			await (ctx.credential.kind === 'token' ? endToken(ctx) : deleteSession(ctx));
			takeSession(c);
			return c.body(null, 204);
		},
	)
	.get('/auth/me', describe('me.read', 'Who is signed in', { schema: User }), async (c) =>
		row(c, await readMe(c.var.ctx)),
	);
