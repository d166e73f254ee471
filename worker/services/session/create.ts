import { and, eq } from 'drizzle-orm';
import type { z } from 'zod';
import { DomainError } from '#domain/errors.ts';
import type { PasswordPolicy } from '#domain/sign-in.ts';
import type { Login } from '#domain/user.ts';
import { identities, second_factors, users } from '../../db/client.ts';
import { assertWithin, countAttempt, type Limit, uncount } from '../attempts.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { confirmed } from '../second_factor/factor.ts';
import { leaving, opening, type SignedIn } from './open.ts';
import { DECOY, type Passwords } from './passwords.ts';
import { CodeIsNeeded, identityProof } from './pending.ts';

/**
 * Signs a person in by password. An unknown name, a wrong password and an inactive account get the same answer after the
 * same work; so does a right one of somebody who may come in by the identity provider only. Throws `CodeIsNeeded` when the
 * person has a second factor.
 */
export async function createSession(
	ctx: Ctx,
	passwords: Passwords,
	{ username, password }: z.infer<typeof Login>,
	user_agent: string | null,
	policy: PasswordPolicy = 'all',
): Promise<SignedIn> {
	const name = username.trim().toLowerCase();
	const perUser: Limit = { subject: `user:${name}`, max: 10 };
	const perAddress: Limit = { subject: `ip:${ctx.ip ?? ''}`, max: 50 };
	const [[byAddress], [byUser], [found]] = await ctx.db.batch([
		countAttempt(ctx, perAddress),
		countAttempt(ctx, perUser),
		ctx.db
			.select({
				user: users,
				password_hash: identities.password_hash,
				proof: identityProof,
				factor: second_factors.user_id,
			})
			.from(users)
			.innerJoin(identities, and(eq(identities.user_id, users.id), eq(identities.provider, 'credential')))
			.leftJoin(second_factors, and(eq(second_factors.user_id, users.id), confirmed))
			.where(eq(users.username, name)),
	]);
	assertWithin(ctx, perAddress, byAddress);
	assertWithin(ctx, perUser, byUser);

	const right = await passwords.verify(found?.password_hash ?? DECOY, password);
	if (!right || !found?.password_hash || !found.user.is_active || !(policy === 'all' || found.user.role === 'admin'))
		throw new DomainError('not_signed_in', 'The username or the password is wrong.');

	const { user, proof, factor } = found;
	if (factor !== null) {
		// The codes have a limit of their own.
		await ctx.db.batch([uncount(ctx, perUser), uncount(ctx, perAddress)]);
		throw new CodeIsNeeded(ctx, user.id, proof, 'password');
	}
	const { signedIn, expect, statements } = await opening(ctx, user, user_agent);
	const left = await leaving(ctx);
	await commit(
		ctx,
		{ kind: 'user', id: user.id, username: user.username, role: user.role },
		{
			expect: [expect],
			statements: [...statements, uncount(ctx, perUser), uncount(ctx, perAddress)],
			audit: [{ action: 'session.create', object_type: 'User', object_id: user.id, project_id: null }],
		},
	);
	left();
	return signedIn;
}
