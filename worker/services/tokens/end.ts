import { eq } from 'drizzle-orm';
import { api_tokens } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter } from '../gate.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';
import { shown } from './rows.ts';

/** Signs a program out: the token it came with is revoked by itself, and its sockets close. */
export async function endToken(ctx: Ctx): Promise<void> {
	const mine = eq(api_tokens.hash, ctx.credential.kind === 'token' ? ctx.credential.hash : '');
	const { actor, rows } = await enter(ctx, 'session.delete', null, [ctx.db.select(shown).from(api_tokens).where(mine)]);
	const { id, user_id, name, scopes } = one(rows[0], 'token');
	const [watched] = await commit(ctx, actor, {
		statements: [watchedBy(ctx, user_id), ctx.db.delete(api_tokens).where(mine)],
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
