import { and, getTableColumns, sql, type SQL } from 'drizzle-orm';
import { notifications } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf, userId, visibleProjects } from '../gate.ts';
import { omit } from '../omit.ts';

export const notificationColumns = omit(
	getTableColumns(notifications),
	'user_id',
	'dedupe_key',
	'page',
	'webhook',
	'mail_due_at',
);

/** Whether a person may still be told of that: active, an admin where only admins are, and with access to the project. */
export const mayBeTold = (user: SQL, event: SQL, project: SQL): SQL =>
	sql`(exists (select 1 from users person where person.id = ${user} and person.is_active = 1
			and (${event} <> 'agent.offline' or person.role = 'admin'))
		and (${project} is null or ${accessRankOf(user, project)} > 0))`;

/** One's own, of what one may still see: who lost a project is not reminded of what is in it. */
export const ownNotifications = (ctx: Ctx): SQL | undefined =>
	and(
		sql`${notifications.user_id} = ${userId(ctx)}`,
		sql`${notifications.page} = 1`,
		sql`(${notifications.project_id} is null or ${notifications.project_id} in ${visibleProjects(ctx)})`,
		// What only admins are told of, to who is one no more.
		sql`(${notifications.event} <> 'agent.offline' or exists (select 1 from users person where person.id = ${userId(ctx)} and person.role = 'admin'))`,
	);

export const unreadQuery = (ctx: Ctx) =>
	ctx.db
		.select({ unread: sql<number>`count(*)` })
		.from(notifications)
		.where(and(ownNotifications(ctx), sql`${notifications.read_at} is null`));
