import { eq } from 'drizzle-orm';
import { api_tokens } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, one, unchanged } from '../edit.ts';
import { enter } from '../gate.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';
import { tokenQuery } from './read.ts';

/** Revokes a token: it is worth nothing from here on, and its sockets close. */
export async function deleteToken(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, rows } = await enter(ctx, 'token.delete', null, [tokenQuery(ctx, id)]);
	const before = one(rows[0], 'token');
	await assertFresh(ctx, 'ApiToken', before, version);
	const { user_id, name, scopes } = before;
	const [watched] = await commit(ctx, actor, {
		expect: [unchanged(api_tokens, before)],
		statements: [watchedBy(ctx, user_id), ctx.db.delete(api_tokens).where(eq(api_tokens.id, id))],
		audit: [
			{
				action: 'token.delete',
				object_type: 'ApiToken',
				object_id: id,
				project_id: null,
				metadata: { user_id, name, scopes },
			},
		],
	});
	tellRooms(ctx, watched);
}
