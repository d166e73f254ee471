import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { conflict, invalid } from '#domain/errors.ts';
import type { Proof } from '#domain/second-factor.ts';
import { identities, second_factors } from '../../db/client.ts';
import { assertWithin, countAttempt, uncount } from '../attempts.ts';
import type { Ctx } from '../context.ts';
import { enter, type UserActor, userId } from '../gate.ts';
import type { Sealer } from '../sealed.ts';
import { DECOY, type Passwords } from '../session/passwords.ts';
import { confirmed, proofLimit, prove } from './factor.ts';

export interface ProvenAgain {
	actor: UserActor;
	expect: SQL[];
	statements: BatchItem<'sqlite'>[];
}

/** Lets in somebody who proves themselves again, by a code or the password: an open session alone is not enough for some things. */
export async function enterAgain(
	ctx: Ctx,
	action: 'second_factor.renew' | 'second_factor.disable',
	{ sealer, passwords }: { sealer: Sealer; passwords: Passwords },
	{ code, password }: Proof,
): Promise<ProvenAgain> {
	const me = userId(ctx);
	const { actor, rows } = await enter(ctx, action, null, [
		ctx.db
			.select()
			.from(second_factors)
			.where(and(sql`${second_factors.user_id} = ${me}`, confirmed)),
		ctx.db
			.select()
			.from(identities)
			.where(and(sql`${identities.user_id} = ${me}`, eq(identities.provider, 'credential'))),
	]);
	const [factor] = rows[0];
	if (!factor) throw conflict('There is no second factor.');
	const limit = proofLimit(actor.id);
	const [counted] = await countAttempt(ctx, limit);
	assertWithin(ctx, limit, counted);

	const still = sql`exists (select 1 from second_factors where user_id = ${actor.id} and secret = ${factor.secret})`;
	if (code !== undefined) {
		const proven = await prove(ctx, sealer, factor, code);
		if (!proven) throw invalid('code', 'is wrong or was used');
		return { actor, expect: [still, proven.expect], statements: [...proven.statements, uncount(ctx, limit)] };
	}
	const hash = rows[1][0]?.password_hash ?? null;
	const right = await passwords.verify(hash ?? DECOY, password ?? '');
	if (!right || hash === null) throw invalid('password', 'is wrong');
	return { actor, expect: [still], statements: [uncount(ctx, limit)] };
}
