import { eq } from 'drizzle-orm';
import type { Proof } from '#domain/second-factor.ts';
import { recovery_codes, second_factors } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import type { Sealer } from '../sealed.ts';
import type { Passwords } from '../session/passwords.ts';
import { enterAgain } from './again.ts';

/** Turns one's own second factor off. */
export async function disableSecondFactor(
	ctx: Ctx,
	ports: { sealer: Sealer; passwords: Passwords },
	proof: Proof,
): Promise<void> {
	const { actor, expect, statements } = await enterAgain(ctx, 'second_factor.disable', ports, proof);
	await commit(ctx, actor, {
		expect,
		statements: [...statements, ...withoutFactor(ctx, actor.id)],
		audit: [{ action: 'second_factor.disable', object_type: 'User', object_id: actor.id, project_id: null }],
	});
}

export const withoutFactor = (ctx: Ctx, user_id: number) => [
	ctx.db.delete(recovery_codes).where(eq(recovery_codes.user_id, user_id)),
	ctx.db.delete(second_factors).where(eq(second_factors.user_id, user_id)),
];
