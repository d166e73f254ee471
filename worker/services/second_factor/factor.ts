import { and, eq, isNotNull, isNull, sql, type SQL } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { conflict } from '#domain/errors.ts';
import { recovery_codes, second_factors } from '../../db/client.ts';
import type { Limit } from '../attempts.ts';
import type { Ctx } from '../context.ts';
import type { Sealer } from '../sealed.ts';
import { recoveryHash, stepOf } from './totp.ts';

const PURPOSE = 'second factor';

/** Set up and confirmed: asked for at the sign-in. */
export const confirmed = isNotNull(second_factors.confirmed_at);

export type Factor = typeof second_factors.$inferSelect;

/** Five guesses of three codes among a million, in a quarter of an hour. For whatever proves the person again, a password too. */
export const proofLimit = (user_id: number): Limit => ({ subject: `code:${String(user_id)}`, max: 5 });

export const sealSecret = (sealer: Sealer, user_id: number, secret: string): Promise<string> =>
	sealer.seal(PURPOSE, String(user_id), secret);

async function secretOf(sealer: Sealer, factor: Factor): Promise<string> {
	const secret = await sealer.open(PURPOSE, String(factor.user_id), factor.secret);
	if (secret === null)
		throw conflict(
			"The hub's secret was changed, so this authenticator is lost: use a recovery code, or ask an admin.",
		);
	return secret;
}

/** What a right code has to write, so that it is never taken again: in the batch of what it proves. */
export interface Proven {
	expect: SQL;
	statements: BatchItem<'sqlite'>[];
	by: 'authenticator' | 'recovery_code';
}

/** Null for a wrong code, and for one that was used. */
export async function prove(ctx: Ctx, sealer: Sealer, factor: Factor, code: string): Promise<Proven | null> {
	const { user_id } = factor;
	const now = new Date(ctx.now()).toISOString();
	if (/^\d{6}$/.test(code)) {
		const step = await stepOf(await secretOf(sealer, factor), code, ctx.now(), factor.last_counter);
		if (step === null) return null;
		return {
			by: 'authenticator',
			expect: sql`exists (select 1 from second_factors where user_id = ${user_id} and secret = ${factor.secret} and last_counter < ${step})`,
			statements: [
				ctx.db
					.update(second_factors)
					.set({ last_counter: step, updated_at: now })
					.where(eq(second_factors.user_id, user_id)),
			],
		};
	}
	const code_hash = await recoveryHash(user_id, code);
	const mine = and(eq(recovery_codes.user_id, user_id), eq(recovery_codes.code_hash, code_hash));
	const [unused] = await ctx.db
		.select({ id: recovery_codes.id })
		.from(recovery_codes)
		.where(and(mine, isNull(recovery_codes.used_at)));
	if (!unused) return null;
	return {
		by: 'recovery_code',
		expect: sql`exists (select 1 from recovery_codes where id = ${unused.id} and used_at is null)`,
		statements: [ctx.db.update(recovery_codes).set({ used_at: now, updated_at: now }).where(mine)],
	};
}
