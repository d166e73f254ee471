import type { Proof, RecoveryCodes } from '#domain/second-factor.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import type { Sealer } from '../sealed.ts';
import type { Passwords } from '../session/passwords.ts';
import { enterAgain } from './again.ts';
import { replaceRecoveryCodes } from './recovery.ts';

/** New recovery codes, shown once; the old ones are worth nothing. */
export async function renewRecoveryCodes(
	ctx: Ctx,
	ports: { sealer: Sealer; passwords: Passwords },
	proof: Proof,
): Promise<RecoveryCodes> {
	const { actor, expect, statements } = await enterAgain(ctx, 'second_factor.renew', ports, proof);
	const recovery = await replaceRecoveryCodes(ctx, actor.id);
	await commit(ctx, actor, {
		expect,
		statements: [...statements, ...recovery.statements],
		audit: [{ action: 'second_factor.renew', object_type: 'User', object_id: actor.id, project_id: null }],
	});
	return { recovery_codes: recovery.shown };
}
