import { and, sql } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import { NotificationEvent, type NotificationPage } from '#domain/notification.ts';
import { notifications } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { keyset, sortBy } from '../list.ts';
import { omit } from '../omit.ts';
import { notificationColumns, ownNotifications, unreadQuery } from './rows.ts';

export const NotificationList = z.strictObject({
	...omit(ListQuery, 'q'),
	sort: sortBy(['created_at'], '-created_at'),
	unread: z.stringbool().optional(),
	event: NotificationEvent.optional(),
});

/** What one was told, the latest first, and how much of it is unread. */
export async function listNotifications(ctx: Ctx, query: z.infer<typeof NotificationList>): Promise<NotificationPage> {
	const { created_at } = notifications;
	const { limit, orderBy, page, where } = keyset(query, { created_at }, notifications.id);
	const { unread, event } = query;
	const { rows } = await enter(ctx, 'notification.list', null, [
		ctx.db
			.select(notificationColumns)
			.from(notifications)
			.where(
				and(
					ownNotifications(ctx),
					where,
					unread === undefined ? undefined : sql`(${notifications.read_at} is null) = ${Number(unread)}`,
					event && sql`${notifications.event} = ${event}`,
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
		unreadQuery(ctx),
	]);
	return { ...page(rows[0]), unread: rows[1][0]?.unread ?? 0 };
}
