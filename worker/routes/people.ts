import { Hono } from 'hono';
import { AuditLog } from '#domain/audit.ts';
import { pageOf } from '#domain/common.ts';
import { PublicUser } from '#domain/user.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { query } from '#worker/http/input.ts';
import { AuditList, listAudit } from '#worker/services/audit/list.ts';
import { listUsers, UserList } from '#worker/services/users/list.ts';

export const people = new Hono<AppEnv>()
	.get(
		'/users',
		describe('user.list', 'The people of this hub, by name', { schema: pageOf(PublicUser) }),
		query(UserList),
		async (c) => c.json(await listUsers(c.var.ctx, c.req.valid('query'))),
	)
	.get(
		'/audit',
		describe('audit.list', 'What happened in the hub', { schema: pageOf(AuditLog) }),
		query(AuditList),
		async (c) => c.json(await listAudit(c.var.ctx, c.req.valid('query'))),
	);
