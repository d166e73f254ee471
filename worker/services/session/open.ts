import { and, eq, lte, sql } from 'drizzle-orm';
import type { User } from '#domain/user.ts';
import { sessions, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';
import { newSession } from './session.ts';

export interface SignedIn {
	user: User;
	session: { token: string; expires_at: string };
}

/**
 * What every way in ends with: always a new session, the one the caller came with ended, the time noted. For the batch that
 * also holds what proved the person.
 */
export async function opening(ctx: Ctx, user: User, user_agent: string | null) {
	const { session, row } = await newSession(ctx, user.id, user_agent);
	const old = ctx.credential.kind === 'session' ? ctx.credential.hash : '';
	const now = new Date(ctx.now()).toISOString();
	return {
		signedIn: { user: { ...user, last_login_at: now }, session } satisfies SignedIn,
		// Deactivated while the proof was being checked: no session.
		expect: sql`exists (select 1 from users where id = ${user.id} and is_active = 1)`,
		statements: [
			ctx.db.delete(sessions).where(eq(sessions.token_hash, old)),
			ctx.db.delete(sessions).where(and(eq(sessions.user_id, user.id), lte(sessions.expires_at, now))),
			ctx.db.insert(sessions).values(row),
			ctx.db.update(users).set({ last_login_at: now }).where(eq(users.id, user.id)),
		],
	};
}

/** Of the session the caller came with, if any, the sockets close too: to be asked before the batch, and called after it. */
export async function leaving(ctx: Ctx): Promise<() => void> {
	if (ctx.credential.kind !== 'session') return () => undefined;
	const watched = await watchedBy(ctx, sql`(select user_id from sessions where token_hash = ${ctx.credential.hash})`);
	return () => {
		tellRooms(ctx, watched);
	};
}
