import { and, eq } from 'drizzle-orm';
import { DomainError, invalid } from '#domain/errors.ts';
import { second_factors, users } from '../../db/client.ts';
import { assertWithin, countAttempt, uncount } from '../attempts.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import type { Sealer } from '../sealed.ts';
import { confirmed, proofLimit, prove } from '../second_factor/factor.ts';
import { leaving, opening, type SignedIn } from './open.ts';
import { type PendingSignIn, spend, stands, unspent } from './pending.ts';

/** The second step of a sign-in: the code. The first step proves nothing any more once the person, or what proved them, changed. */
export async function confirmSession(
	ctx: Ctx,
	sealer: Sealer,
	pending: PendingSignIn | null,
	code: string,
	user_agent: string | null,
): Promise<SignedIn> {
	const over = () => new DomainError('not_signed_in', 'The sign-in took too long or was used: begin again.');
	if (pending === null || Date.parse(pending.expires_at) <= ctx.now()) throw over();
	const limit = proofLimit(pending.user_id);
	const [[counted], [user], [factor]] = await ctx.db.batch([
		countAttempt(ctx, limit),
		ctx.db
			.select()
			.from(users)
			.where(and(eq(users.id, pending.user_id), eq(users.is_active, true), stands(pending), unspent(pending.id))),
		ctx.db
			.select()
			.from(second_factors)
			.where(and(eq(second_factors.user_id, pending.user_id), confirmed)),
	]);
	assertWithin(ctx, limit, counted);
	if (!user || !factor) throw over();

	const proven = await prove(ctx, sealer, factor, code);
	if (!proven) throw invalid('code', 'is wrong or was used');
	const { signedIn, expect, statements } = await opening(ctx, user, user_agent);
	const left = await leaving(ctx);
	await commit(
		ctx,
		{ kind: 'user', id: user.id, username: user.username, role: user.role },
		{
			expect: [expect, unspent(pending.id), proven.expect, stands(pending)],
			statements: [...statements, spend(ctx, pending), ...proven.statements, uncount(ctx, limit)],
			audit: [
				{
					action: 'session.create',
					object_type: 'User',
					object_id: user.id,
					project_id: null,
					metadata: { via: pending.via, second_factor: proven.by },
				},
			],
		},
	);
	left();
	return signedIn;
}
