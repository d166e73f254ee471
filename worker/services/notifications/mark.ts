import { and, inArray, isNull, lte, sql } from 'drizzle-orm';
import type { z } from 'zod';
import type { NotificationsRead } from '#domain/notification.ts';
import type { Unread } from '#domain/unread.ts';
import { notifications } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { unreadQuery } from './rows.ts';

/** Marks what one has read. It is nobody's concern, and in no audit. */
export async function markRead(ctx: Ctx, which: z.infer<typeof NotificationsRead>): Promise<z.infer<typeof Unread>> {
	const { actor } = await enter(ctx, 'notification.mark', null, []);
	const [marked, [left]] = await commit(ctx, actor, {
		statements: [
			ctx.db
				.update(notifications)
				.set({ read_at: new Date(ctx.now()).toISOString() })
				.where(
					and(
						sql`${notifications.user_id} = ${actor.id}`,
						isNull(notifications.read_at),
						'ids' in which ? inArray(notifications.id, which.ids) : lte(notifications.id, which.up_to),
					),
				)
				.returning({ id: notifications.id }),
			unreadQuery(ctx),
		],
		audit: [],
	});
	if (marked.length > 0) ctx.after(ctx.live.touched([{ kind: 'notification', user_id: actor.id }]));
	return { unread: left?.unread ?? 0 };
}
