import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { MePatch, PasswordChange, SessionView, User } from '#domain/user.ts';
import { ifMatch, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { changePassword } from '#worker/services/me/password.ts';
import { updateMe } from '#worker/services/me/update.ts';
import { endOtherSessions, endSession } from '#worker/services/session/end.ts';
import { listSessions, SessionList } from '#worker/services/session/list.ts';
import { passwords } from '#worker/services/session/passwords.ts';

/** What people do with their own account; who they are is `/auth/me`. */
export const me = new Hono<AppEnv>()
	.patch(
		'/me',
		describe('me.update', 'Change your own theme, language, shown name or e-mail', { schema: User }),
		json(MePatch),
		async (c) => row(c, await settled(() => updateMe(c.var.ctx, ifMatch(c), c.req.valid('json')))),
	)
	.post(
		'/me/password',
		describe('me.password', 'Change your own password; your other sessions end', { status: 204 }),
		json(PasswordChange),
		// Without an Idempotency-Key's replay: it would keep what shows the password.
		async (c) => {
			await settled(() => changePassword(c.var.ctx, passwords, c.req.valid('json')));
			return c.body(null, 204);
		},
	)
	.get(
		'/me/sessions',
		describe('session.list', 'Where you are signed in', { schema: pageOf(SessionView) }),
		query(SessionList),
		async (c) => c.json(await listSessions(c.var.ctx, c.req.valid('query'))),
	)
	.delete(
		'/me/sessions',
		describe('session.end_others', 'End all your sessions but this one', { status: 204 }),
		async (c) => {
			await endOtherSessions(c.var.ctx);
			return c.body(null, 204);
		},
	)
	.delete(
		'/me/sessions/:id',
		describe('session.end', 'End one of your sessions', { status: 204 }),
		idIn('session'),
		async (c) => {
			await endSession(c.var.ctx, c.req.valid('param').id);
			return c.body(null, 204);
		},
	);
