import { sql } from 'drizzle-orm';
import { conflict, invalid } from '#domain/errors.ts';
import {
	type ApiTokenCreate,
	type ApiTokenMade,
	TOKEN_PREFIX,
	TOKEN_TTL_MAX_MS,
	TOKEN_TTL_MS,
	TOKENS_MAX,
} from '#domain/token.ts';
import { api_tokens } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { enter, userId } from '../gate.ts';
import { hashOf, newSecret } from '../secrets.ts';
import { shown } from './rows.ts';

/** A token for a program that acts as the one who asks, shown this once. Only a person signed in makes one. */
export async function createToken(ctx: Ctx, input: ApiTokenCreate): Promise<ApiTokenMade> {
	const { actor, rows } = await enter(ctx, 'token.create', null, [
		ctx.db
			.select({ count: sql<number>`count(*)` })
			.from(api_tokens)
			.where(sql`user_id = ${userId(ctx)}`),
	]);
	const now = ctx.now();
	const expires_at = input.expires_at ?? new Date(now + TOKEN_TTL_MS).toISOString();
	if (Date.parse(expires_at) <= now) throw invalid('expires_at', 'is over already');
	if (Date.parse(expires_at) > now + TOKEN_TTL_MAX_MS) throw invalid('expires_at', 'must be within a year');
	if (input.scopes.includes('admin') && actor.role !== 'admin') throw invalid('scopes', 'admin is for admins');
	if ((rows[0][0]?.count ?? 0) >= TOKENS_MAX)
		throw conflict(`You have ${String(TOKENS_MAX)} tokens: revoke one that is not needed any more.`);

	const token = newSecret(TOKEN_PREFIX);
	const { name, scopes } = input;
	const [made] = await commit(ctx, actor, {
		expect: [
			sql`(select count(*) from ${api_tokens} where user_id = ${actor.id}) < ${TOKENS_MAX}`,
			// Signed out or deactivated meanwhile: no token.
			sql`${userId(ctx)} is not null`,
		],
		statements: [
			ctx.db
				.insert(api_tokens)
				.values({ user_id: actor.id, name, scopes, hash: await hashOf(token), expires_at, ...created(ctx) })
				.returning(shown),
		],
		audit: [
			{
				action: 'token.create',
				object_type: 'ApiToken',
				object_id: lastInserted('api_tokens'),
				project_id: null,
				metadata: { name, scopes, expires_at },
			},
		],
	});
	return { ...one(made, 'token'), token };
}
