import { and, eq, or } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import { forbidden } from '#domain/errors.ts';
import { can } from '#domain/permissions.ts';
import { PublicUser, Role, type User } from '#domain/user.ts';
import { users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { asAdmin, enter } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const UserList = z.strictObject({
	...ListQuery,
	sort: sortBy(['username', 'role', 'created_at'], 'username'),
	role: Role.optional(),
	is_active: z
		.enum(['true', 'false'])
		.transform((text) => text === 'true')
		.optional(),
});

/** The people of the hub: to choose one, names only; to an admin, all there is to know. */
export async function listUsers(ctx: Ctx, query: z.infer<typeof UserList>): Promise<Page<User> | Page<PublicUser>> {
	const { username, role, created_at, display_name, email, is_active } = users;
	const { limit, orderBy, page, where } = keyset(query, { username, role, created_at }, users.id);
	// What may not be seen is not searched either.
	const { actor, rows } = await enter(ctx, 'user.list', null, [
		ctx.db
			.select()
			.from(users)
			.where(
				and(
					where,
					query.role && eq(role, query.role),
					query.is_active === undefined ? undefined : eq(is_active, query.is_active),
					or(
						holds(username, query.q),
						holds(display_name, query.q),
						query.q === undefined ? undefined : and(asAdmin(ctx), holds(email, query.q)),
					),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	const found = page(rows[0]);
	const all = can(actor, 'user.read');
	if (all.allowed) return found;
	if (query.role !== undefined || query.is_active !== undefined || !/^-?username$/.test(query.sort))
		throw forbidden(all.missing);
	return { items: found.items.map((user) => PublicUser.parse(user)), next_cursor: found.next_cursor };
}
