import type { SQL } from 'drizzle-orm';
import type { Ctx } from '../context.ts';
import { created } from '../edit.ts';
import { hashOf, newSecret } from '../secrets.ts';

/** A session ends this long after the sign-in, whatever happens in it. */
export const SESSION_MS = 7 * 86_400_000;

export interface Session {
	token: string;
	expires_at: string;
}

/** A fresh session and its row. The token is the server's: a caller cannot bring one. */
export async function newSession(ctx: Ctx, user_id: number | SQL<number>, user_agent: string | null) {
	const session: Session = { token: newSecret(), expires_at: new Date(ctx.now() + SESSION_MS).toISOString() };
	return {
		session,
		row: {
			token_hash: await hashOf(session.token),
			expires_at: session.expires_at,
			user_id,
			ip: ctx.ip,
			user_agent: user_agent?.slice(0, 300) ?? null,
			...created(ctx),
		},
	};
}
