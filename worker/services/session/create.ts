import { and, eq, lte, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { DomainError } from '#domain/errors.ts';
import type { Login, User } from '#domain/user.ts';
import { identities, sessions, users } from '../../db/client.ts';
import { assertWithin, countAttempt, type Limit, uncount } from '../attempts.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { DECOY, type Passwords } from './passwords.ts';
import { newSession, type Session } from './session.ts';

/**
 * Signs a person in by password. An unknown name, a wrong password and an inactive account get the same answer after the
 * same work. Always a new session; the one the caller came with, if any, ends.
 */
export async function createSession(
	ctx: Ctx,
	passwords: Passwords,
	{ username, password }: z.infer<typeof Login>,
	user_agent: string | null,
): Promise<{ user: User; session: Session }> {
	const name = username.trim().toLowerCase();
	const perUser: Limit = { subject: `user:${name}`, max: 10 };
	const perAddress: Limit = { subject: `ip:${ctx.ip ?? ''}`, max: 50 };
	const [[byAddress], [byUser], [found]] = await ctx.db.batch([
		countAttempt(ctx, perAddress),
		countAttempt(ctx, perUser),
		ctx.db
			.select({ user: users, password_hash: identities.password_hash })
			.from(users)
			.innerJoin(identities, and(eq(identities.user_id, users.id), eq(identities.provider, 'credential')))
			.where(eq(users.username, name)),
	]);
	assertWithin(ctx, perAddress, byAddress);
	assertWithin(ctx, perUser, byUser);

	const right = await passwords.verify(found?.password_hash ?? DECOY, password);
	if (!right || !found?.password_hash || !found.user.is_active)
		throw new DomainError('not_signed_in', 'The username or the password is wrong.');

	const { user } = found;
	const actor = { kind: 'user', id: user.id, username: user.username, role: user.role } as const;
	const { session, row } = newSession(ctx, user.id, user_agent);
	const old = ctx.credential.kind === 'session' ? ctx.credential.token : '';
	const now = new Date(ctx.now()).toISOString();
	await commit(ctx, actor, {
		// Deactivated while the password was being checked: no session.
		expect: [sql`exists (select 1 from users where id = ${user.id} and is_active = 1)`],
		statements: [
			ctx.db.delete(sessions).where(eq(sessions.token, old)),
			ctx.db.delete(sessions).where(and(eq(sessions.user_id, user.id), lte(sessions.expires_at, now))),
			ctx.db.insert(sessions).values(row),
			ctx.db.update(users).set({ last_login_at: now }).where(eq(users.id, user.id)),
			uncount(ctx, perUser),
			uncount(ctx, perAddress),
		],
		audit: [{ action: 'session.create', object_type: 'User', object_id: user.id, project_id: null }],
	});
	return { user: { ...user, last_login_at: now }, session };
}
