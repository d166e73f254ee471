import { sql, type SQL } from 'drizzle-orm';
import { users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

const saidOf = (user: SQL, actions: SQL): SQL<string | null> =>
	sql<string | null>`(select a.action from audit_logs a where a.object_type = 'User' and a.object_id = ${user}
		and (${actions}) order by a.id desc limit 1)`;

const changed = sql.raw(
	`a.action in ('me.update', 'user.update') and json_extract(a.metadata, '$.changes.email') is not null`,
);

/** Who set the address that a user has: the audit knows. */
export const addressSetBy = (user: SQL): SQL<string | null> => saidOf(user, changed);

/** Whether mails may go to it: what people say of themselves they have to show. */
export const addressConfirmed = (user: SQL): SQL<boolean> =>
	sql<boolean>`(coalesce(${saidOf(user, sql`${changed} or a.action = 'me.email_confirm'`)}, '') <> 'me.update')`.mapWith(
		Boolean,
	);

export const addressQuery = (ctx: Ctx, user: SQL) =>
	ctx.db
		.select({ email: users.email, confirmed: addressConfirmed(users.id.getSQL()) })
		.from(users)
		.where(sql`${users.id} = ${user}`);
