import { eq } from 'drizzle-orm';
import { recovery_codes } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { created } from '../edit.ts';
import { newRecoveryCodes } from './totp.ts';

/** New recovery codes in the place of all there were. */
export async function replaceRecoveryCodes(ctx: Ctx, user_id: number) {
	const { shown, hashes } = await newRecoveryCodes(user_id);
	return {
		shown,
		statements: [
			ctx.db.delete(recovery_codes).where(eq(recovery_codes.user_id, user_id)),
			ctx.db.insert(recovery_codes).values(hashes.map((code_hash) => ({ user_id, code_hash, ...created(ctx) }))),
		],
	};
}
