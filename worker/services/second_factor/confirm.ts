import { eq, sql } from 'drizzle-orm';
import { conflict, invalid } from '#domain/errors.ts';
import type { RecoveryCodes } from '#domain/second-factor.ts';
import { second_factors } from '../../db/client.ts';
import { assertWithin, countAttempt, uncount } from '../attempts.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { enter, userId } from '../gate.ts';
import type { Sealer } from '../sealed.ts';
import { proofLimit, prove } from './factor.ts';
import { replaceRecoveryCodes } from './recovery.ts';

/** The authenticator's first code: from now on the sign-in asks for one. Gives the recovery codes, once. */
export async function confirmSecondFactor(ctx: Ctx, sealer: Sealer, code: string): Promise<RecoveryCodes> {
	const { actor, rows } = await enter(ctx, 'second_factor.confirm', null, [
		ctx.db
			.select()
			.from(second_factors)
			.where(sql`${second_factors.user_id} = ${userId(ctx)}`),
	]);
	const [factor] = rows[0];
	if (!factor) throw conflict('Begin first: there is no secret to confirm.');
	if (factor.confirmed_at) throw conflict('It is confirmed already.');
	const limit = proofLimit(actor.id);
	const [counted] = await countAttempt(ctx, limit);
	assertWithin(ctx, limit, counted);
	// A recovery code of an earlier time confirms nothing.
	const proven = /^\d{6}$/.test(code) ? await prove(ctx, sealer, factor, code) : null;
	if (!proven) throw invalid('code', 'is wrong or was used');

	const recovery = await replaceRecoveryCodes(ctx, actor.id);
	await commit(ctx, actor, {
		expect: [
			proven.expect,
			sql`exists (select 1 from second_factors where user_id = ${actor.id} and confirmed_at is null)`,
		],
		statements: [
			...proven.statements,
			ctx.db
				.update(second_factors)
				.set({ confirmed_at: new Date(ctx.now()).toISOString() })
				.where(eq(second_factors.user_id, actor.id)),
			...recovery.statements,
			uncount(ctx, limit),
		],
		audit: [{ action: 'second_factor.confirm', object_type: 'User', object_id: actor.id, project_id: null }],
	});
	return { recovery_codes: recovery.shown };
}
