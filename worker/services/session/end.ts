import { and, eq, sql } from 'drizzle-orm';
import { sessions } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, userId } from '../gate.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';

/** Ends one of a person's own sessions: its cookie is worth nothing any more, and its sockets close. */
export async function endSession(ctx: Ctx, id: number): Promise<void> {
	const { actor, rows } = await enter(ctx, 'session.end', null, [
		ctx.db
			.select({ id: sessions.id, ip: sessions.ip, user_agent: sessions.user_agent })
			.from(sessions)
			.where(and(eq(sessions.id, id), sql`${sessions.user_id} = ${userId(ctx)}`)),
	]);
	const { ip, user_agent } = one(rows[0], 'session');
	const [watched] = await commit(ctx, actor, {
		statements: [watchedBy(ctx, actor.id), ctx.db.delete(sessions).where(eq(sessions.id, id))],
		audit: [
			{
				action: 'session.end',
				object_type: 'User',
				object_id: actor.id,
				project_id: null,
				metadata: { session_ip: ip, user_agent },
			},
		],
	});
	tellRooms(ctx, watched);
}

/** Ends all of a person's sessions but the one that asks. */
export async function endOtherSessions(ctx: Ctx): Promise<void> {
	const { actor } = await enter(ctx, 'session.end_others', null, []);
	const kept = ctx.credential.kind === 'session' ? ctx.credential.hash : '';
	const [watched] = await commit(ctx, actor, {
		statements: [
			watchedBy(ctx, actor.id),
			ctx.db.delete(sessions).where(and(eq(sessions.user_id, actor.id), sql`${sessions.token_hash} <> ${kept}`)),
		],
		audit: [{ action: 'session.end_others', object_type: 'User', object_id: actor.id, project_id: null }],
	});
	tellRooms(ctx, watched);
}
