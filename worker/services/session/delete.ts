import { eq } from 'drizzle-orm';
import { sessions } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';

/** Signs out: the session is gone, so its cookie is worth nothing to anyone who kept it, and its sockets close. */
export async function deleteSession(ctx: Ctx): Promise<void> {
	const { actor } = await enter(ctx, 'session.delete', null, []);
	const hash = ctx.credential.kind === 'session' ? ctx.credential.hash : '';
	const [watched] = await commit(ctx, actor, {
		statements: [watchedBy(ctx, actor.id), ctx.db.delete(sessions).where(eq(sessions.token_hash, hash))],
		audit: [{ action: 'session.delete', object_type: 'User', object_id: actor.id, project_id: null }],
	});
	tellRooms(ctx, watched);
}
