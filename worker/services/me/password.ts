import { and, eq, sql } from 'drizzle-orm';
import { conflict, invalid } from '#domain/errors.ts';
import type { PasswordChange } from '#domain/user.ts';
import { identities, sessions } from '../../db/client.ts';
import { assertWithin, countAttempt, type Limit, uncount } from '../attempts.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { enter, userId } from '../gate.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';
import type { Passwords } from '../session/passwords.ts';

/** A person changes their own password, knowing the present one. All their other sessions end. */
export async function changePassword(
	ctx: Ctx,
	passwords: Passwords,
	{ current_password, password }: PasswordChange,
): Promise<void> {
	const { actor, rows } = await enter(ctx, 'me.password', null, [
		ctx.db
			.select({ id: identities.id, password_hash: identities.password_hash })
			.from(identities)
			.where(and(sql`${identities.user_id} = ${userId(ctx)}`, eq(identities.provider, 'credential'))),
	]);
	const [identity] = rows[0];
	if (!identity?.password_hash) throw conflict('This account has no password: an admin can give it one.');

	// Counted apart from the sign-in: who guesses at the door cannot keep the owner from changing it.
	const limit: Limit = { subject: `password:${String(actor.id)}`, max: 10 };
	const [counted] = await countAttempt(ctx, limit);
	assertWithin(ctx, limit, counted);
	const before = identity.password_hash;
	if (!(await passwords.verify(before, current_password))) throw invalid('current_password', 'is not your password');
	if (current_password === password) throw invalid('password', 'must be another than the present one');

	const password_hash = await passwords.hash(password);
	const kept = ctx.credential.kind === 'session' ? ctx.credential.hash : '';
	const [watched] = await commit(ctx, actor, {
		// Reset or changed elsewhere meanwhile, or signed out: this one knew the password no longer.
		expect: [
			sql`exists (select 1 from identities where id = ${identity.id} and password_hash = ${before})`,
			sql`${userId(ctx)} is not null`,
		],
		statements: [
			watchedBy(ctx, actor.id),
			ctx.db
				.update(identities)
				.set({ password_hash, updated_at: new Date(ctx.now()).toISOString() })
				.where(eq(identities.id, identity.id)),
			ctx.db.delete(sessions).where(and(eq(sessions.user_id, actor.id), sql`${sessions.token_hash} <> ${kept}`)),
			uncount(ctx, limit),
		],
		audit: [{ action: 'me.password', object_type: 'User', object_id: actor.id, project_id: null }],
	});
	tellRooms(ctx, watched);
}
