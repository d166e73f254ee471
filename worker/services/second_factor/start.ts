import { and, eq, gt, isNotNull, sql } from 'drizzle-orm';
import { conflict, forbidden, invalid } from '#domain/errors.ts';
import { type BeginInput, RECENT_MS, type SecondFactorSecret } from '#domain/second-factor.ts';
import { identities, second_factors, sessions } from '../../db/client.ts';
import { assertWithin, countAttempt, uncount } from '../attempts.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created } from '../edit.ts';
import { enter, userId } from '../gate.ts';
import type { Sealer } from '../sealed.ts';
import type { Passwords } from '../session/passwords.ts';
import { proofLimit, sealSecret } from './factor.ts';
import { newSecret, otpauthUri } from './totp.ts';

/**
 * A fresh secret for an authenticator. It is asked of nobody until a code confirms it; beginning again makes another. A session alone does
 * not begin: whoever stole one could lock its owner out with an authenticator of their own.
 */
export async function startSecondFactor(
	ctx: Ctx,
	{ sealer, passwords }: { sealer: Sealer; passwords: Passwords },
	host: string,
	{ password }: BeginInput,
): Promise<SecondFactorSecret> {
	const me = userId(ctx);
	const session = ctx.credential.kind === 'session' ? ctx.credential.hash : '';
	const recent = new Date(ctx.now() - RECENT_MS).toISOString();
	const { actor, rows } = await enter(ctx, 'second_factor.start', null, [
		ctx.db
			.select()
			.from(second_factors)
			.where(sql`${second_factors.user_id} = ${me}`),
		ctx.db
			.select({ password_hash: identities.password_hash })
			.from(identities)
			.where(
				and(
					sql`${identities.user_id} = ${me}`,
					eq(identities.provider, 'credential'),
					isNotNull(identities.password_hash),
				),
			),
		ctx.db
			.select({ id: sessions.id })
			.from(sessions)
			.where(and(eq(sessions.token_hash, session), gt(sessions.created_at, recent))),
	]);
	if (rows[0][0]?.confirmed_at) throw conflict('There is a second factor already: turn it off first.');
	const hash = rows[1][0]?.password_hash ?? null;
	if (hash === null && rows[2].length === 0)
		throw forbidden('a sign-in of the last 15 minutes, for there is no password to ask for. Sign in again');
	const limit = proofLimit(actor.id);
	if (hash !== null) {
		if (password === undefined) throw invalid('password', 'is required');
		const [counted] = await countAttempt(ctx, limit);
		assertWithin(ctx, limit, counted);
		if (!(await passwords.verify(hash, password))) throw invalid('password', 'is wrong');
	}

	const secret = newSecret();
	const row = { secret: await sealSecret(sealer, actor.id, secret), last_counter: 0, ...created(ctx) };
	await commit(ctx, actor, {
		expect: [
			sql`not exists (select 1 from second_factors where user_id = ${actor.id} and confirmed_at is not null)`,
			// Changed or given meanwhile: what was proved is worth nothing.
			sql`(select max(password_hash) from identities where user_id = ${actor.id} and provider = 'credential') is ${hash}`,
		],
		statements: [
			...(hash === null ? [] : [uncount(ctx, limit)]),
			ctx.db
				.insert(second_factors)
				.values({ user_id: actor.id, ...row })
				.onConflictDoUpdate({ target: second_factors.user_id, set: row }),
		],
		audit: [{ action: 'second_factor.start', object_type: 'User', object_id: actor.id, project_id: null }],
	});
	return { secret, uri: otpauthUri(secret, actor.username, host) };
}
