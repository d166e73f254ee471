import { and, or } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import type { PublicUser } from '#domain/user.ts';
import { users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const UserList = z.strictObject({ ...ListQuery, sort: sortBy(['username'], 'username') });

/** The people of the hub, for choosing one: names only. */
export async function listUsers(ctx: Ctx, query: z.infer<typeof UserList>): Promise<Page<PublicUser>> {
	const { limit, orderBy, page, where } = keyset(query, { username: users.username }, users.id);
	const { rows } = await enter(ctx, 'user.list', null, [
		ctx.db
			.select({ id: users.id, username: users.username, display_name: users.display_name })
			.from(users)
			.where(and(where, or(holds(users.username, query.q), holds(users.display_name, query.q))))
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
