import { eq } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import type { PasswordWasReset } from '#domain/user.ts';
import { api_tokens, feeds, identities, login_attempts, sessions, users } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { enter } from '../gate.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';
import { newPassword, type Passwords } from '../session/passwords.ts';
import { stillAdmin } from './rules.ts';

/** An admin gives somebody a new password, theirs or a made one that is shown this once. Whatever else opens the account ends: sessions, API tokens, the calendar's address. */
export async function resetPassword(
	ctx: Ctx,
	passwords: Passwords,
	id: number,
	password: string | undefined,
): Promise<PasswordWasReset> {
	const { actor, rows } = await enter(ctx, 'user.password', null, [
		ctx.db.select({ username: users.username }).from(users).where(eq(users.id, id)),
	]);
	const { username } = one(rows[0], 'user');
	// A session that was left open must not be enough to take the account for good.
	if (actor.id === id) throw conflict('Change your own password in your profile: it asks for the present one.');

	const generated_password = password === undefined ? newPassword() : null;
	const password_hash = await passwords.hash(password ?? generated_password ?? '');
	const { created_at, updated_at } = created(ctx);
	const [watched] = await commit(ctx, actor, {
		expect: [stillAdmin(actor)],
		statements: [
			watchedBy(ctx, id),
			ctx.db
				.insert(identities)
				.values({ user_id: id, provider: 'credential', subject: String(id), password_hash, created_at, updated_at })
				.onConflictDoUpdate({ target: [identities.provider, identities.subject], set: { password_hash, updated_at } }),
			ctx.db.delete(sessions).where(eq(sessions.user_id, id)),
			ctx.db.delete(api_tokens).where(eq(api_tokens.user_id, id)),
			ctx.db.delete(feeds).where(eq(feeds.user_id, id)),
			ctx.db.delete(login_attempts).where(eq(login_attempts.subject, `user:${username}`)),
		],
		audit: [{ action: 'user.password', object_type: 'User', object_id: id, project_id: null }],
	});
	tellRooms(ctx, watched);
	return { id, generated_password };
}
