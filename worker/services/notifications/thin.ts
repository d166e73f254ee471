import { sql } from 'drizzle-orm';
import { NOTIFICATIONS_MAX } from '#domain/notification.ts';
import { notifications } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

const MINUTE_MS = 60_000;
/** Each minute some of the people, within an hour all. */
const SHARES = 60;

/** Leaves each person the latest of what they were told. */
export function thinNotifications(ctx: Ctx) {
	const share = Math.floor(ctx.now() / MINUTE_MS) % SHARES;
	return ctx.db.delete(notifications).where(
		sql`id in (select id from (select id, row_number() over (partition by user_id order by id desc) as place
			from notifications where user_id in (select id from users where id % ${SHARES} = ${share})) where place > ${NOTIFICATIONS_MAX})`,
	);
}
