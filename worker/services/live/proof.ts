import { eq } from 'drizzle-orm';
import { api_tokens, sessions, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** The row behind the credential, when it ends, and who it is of. */
export function proofQuery(ctx: Ctx) {
	const { credential, db } = ctx;
	const hash = credential.kind === 'session' || credential.kind === 'token' ? credential.hash : '';
	return credential.kind === 'token'
		? db
				.select({ id: api_tokens.id, expires_at: api_tokens.expires_at, name: users.display_name })
				.from(api_tokens)
				.innerJoin(users, eq(users.id, api_tokens.user_id))
				.where(eq(api_tokens.hash, hash))
		: db
				.select({ id: sessions.id, expires_at: sessions.expires_at, name: users.display_name })
				.from(sessions)
				.innerJoin(users, eq(users.id, sessions.user_id))
				.where(eq(sessions.token_hash, hash));
}
