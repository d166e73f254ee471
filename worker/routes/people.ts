import { Hono } from 'hono';
import { z } from 'zod';
import { pageOf } from '#domain/common.ts';
import { PasswordReset, PasswordWasReset, PublicUser, User, UserCreate, UserMade, UserPatch } from '#domain/user.ts';
import { ifMatch, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { passwords } from '#worker/services/session/passwords.ts';
import { createUser } from '#worker/services/users/create.ts';
import { deleteUser } from '#worker/services/users/delete.ts';
import { listUsers, UserList } from '#worker/services/users/list.ts';
import { resetPassword } from '#worker/services/users/password.ts';
import { readUser } from '#worker/services/users/read.ts';
import { updateUser } from '#worker/services/users/update.ts';

export const people = new Hono<AppEnv>()
	.get(
		'/users',
		describe('user.list', 'The people of this hub, by name; admins see all there is of them', {
			schema: pageOf(z.union([User, PublicUser])),
		}),
		query(UserList),
		async (c) => c.json(await listUsers(c.var.ctx, c.req.valid('query'))),
	)
	.post(
		'/users',
		describe('user.create', 'Make an account; without a password one is made, and shown this once', {
			status: 201,
			schema: UserMade,
		}),
		json(UserCreate),
		// Without an Idempotency-Key's replay: keeping the answer would keep the password.
		async (c) => row(c, await settled(() => createUser(c.var.ctx, passwords, c.req.valid('json'))), 201),
	)
	.get('/users/:id', describe('user.read', 'One person', { schema: User }), idIn('user'), async (c) =>
		row(c, await readUser(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/users/:id',
		describe('user.update', 'Change a person; deactivated, all their sessions and sockets end', { schema: User }),
		idIn('user'),
		json(UserPatch),
		async (c) =>
			row(c, await settled(() => updateUser(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/users/:id',
		describe('user.delete', 'Remove a person whom nothing names', { status: 204 }),
		idIn('user'),
		async (c) => {
			await settled(() => deleteUser(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.post(
		'/users/:id/password',
		describe('user.password', 'Give a person a new password, made and shown this once where none is sent', {
			schema: PasswordWasReset,
		}),
		idIn('user'),
		json(PasswordReset),
		async (c) =>
			row(
				c,
				await settled(() => resetPassword(c.var.ctx, passwords, c.req.valid('param').id, c.req.valid('json').password)),
			),
	);
