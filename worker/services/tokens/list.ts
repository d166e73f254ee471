import { and, sql } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { forbidden } from '#domain/errors.ts';
import { can } from '#domain/permissions.ts';
import type { ApiToken } from '#domain/token.ts';
import { api_tokens } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, userId } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { shown } from './rows.ts';

export const TokenList = z.strictObject({
	...ListQuery,
	sort: sortBy(['created_at', 'expires_at', 'name'], '-created_at'),
	/** Left out: one's own. Somebody else's, and `all` there are, are for admins. */
	user_id: z.union([z.literal('all'), z.coerce.number().pipe(Id)]).optional(),
});

export async function listTokens(ctx: Ctx, query: z.infer<typeof TokenList>): Promise<Page<ApiToken>> {
	const { created_at, expires_at, name, user_id, id } = api_tokens;
	const { limit, orderBy, page, where } = keyset(query, { created_at, expires_at, name }, id);
	const { actor, rows } = await enter(ctx, 'token.list', null, [
		ctx.db
			.select(shown)
			.from(api_tokens)
			.where(
				and(
					query.user_id === 'all' ? undefined : sql`${user_id} = ${query.user_id ?? userId(ctx)}`,
					where,
					holds(name, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	const others = can(actor, 'token.of_others');
	if (query.user_id !== undefined && query.user_id !== actor.id && !others.allowed) throw forbidden(others.missing);
	return page(rows[0]);
}
