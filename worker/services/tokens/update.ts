import { and, eq } from 'drizzle-orm';
import type { ApiToken, ApiTokenPatch } from '#domain/token.ts';
import { api_tokens } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, changesOf, defined, edited, editEntry, isEmpty, one, unchanged } from '../edit.ts';
import { enter } from '../gate.ts';
import { tokenQuery } from './read.ts';
import { shown } from './rows.ts';

/** Gives a token another name. */
export async function updateToken(ctx: Ctx, id: number, version: number, patch: ApiTokenPatch): Promise<ApiToken> {
	const { actor, rows } = await enter(ctx, 'token.update', null, [tokenQuery(ctx, id)]);
	const before = one(rows[0], 'token');
	await assertFresh(ctx, 'ApiToken', before, version);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;
	const entry = editEntry('token.update', 'ApiToken', before, null, changes);
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(api_tokens, before)],
		statements: [
			ctx.db
				.update(api_tokens)
				.set({ ...defined(patch), ...edited(ctx, before) })
				.where(and(eq(api_tokens.id, id), eq(api_tokens.version, before.version)))
				.returning(shown),
		],
		audit: [{ ...entry, metadata: { ...entry.metadata, user_id: before.user_id } }],
	});
	return one(after, 'token');
}
