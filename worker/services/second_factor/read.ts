import { and, count, eq, isNull, sql } from 'drizzle-orm';
import type { SecondFactor } from '#domain/second-factor.ts';
import { identities, recovery_codes, second_factors } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, userId } from '../gate.ts';
import { confirmed } from './factor.ts';

/** Whether the one who asks has a second factor. */
export async function readSecondFactor(ctx: Ctx): Promise<SecondFactor> {
	const me = userId(ctx);
	const { rows } = await enter(ctx, 'second_factor.read', null, [
		ctx.db
			.select({ since: second_factors.confirmed_at })
			.from(second_factors)
			.where(and(sql`${second_factors.user_id} = ${me}`, confirmed)),
		ctx.db
			.select({ left: count() })
			.from(recovery_codes)
			.where(and(sql`${recovery_codes.user_id} = ${me}`, isNull(recovery_codes.used_at))),
		ctx.db
			.select({ id: identities.id })
			.from(identities)
			.where(and(sql`${identities.user_id} = ${me}`, eq(identities.provider, 'credential'))),
	]);
	const [factor] = rows[0];
	return {
		enabled: factor !== undefined,
		since: factor?.since ?? null,
		recovery_codes_left: factor ? (rows[1][0]?.left ?? 0) : 0,
		has_password: rows[2].length > 0,
	};
}
