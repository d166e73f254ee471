import { and, eq, isNull, lte, or } from 'drizzle-orm';
import { DomainError } from '#domain/errors.ts';
import { api_tokens } from '../../db/client.ts';
import { assertWithin, countAttempt, type Limit } from '../attempts.ts';
import type { Ctx } from '../context.ts';

const MINUTE_MS = 60_000;

/** Notes that a token was used, after the answer and once a minute at most. */
export function noteUse(
	ctx: Ctx,
	user_id: number,
	{ id, last_used_at }: { id: number; last_used_at: number | null },
): void {
	const now = ctx.now();
	if (last_used_at !== null && last_used_at > now - MINUTE_MS) return;
	const before = new Date(now - MINUTE_MS).toISOString();
	ctx.after(
		ctx.db
			.update(api_tokens)
			.set({ last_used_at: new Date(now).toISOString() })
			// Of many requests at once one writes.
			.where(and(eq(api_tokens.id, id), or(isNull(api_tokens.last_used_at), lte(api_tokens.last_used_at, before))))
			.then(() => ctx.live.touched([{ kind: 'token', user_id }])),
	);
}

/**
 * The refusal of who proved nothing. Tokens that are no good are counted for their address, and over the limit told to wait; one that
 * is good passes all the same, for nobody guesses it, and one program's old token must not shut out the others behind that address.
 */
export async function notSignedIn(ctx: Ctx): Promise<DomainError> {
	if (ctx.credential.kind !== 'token') return new DomainError('not_signed_in', 'Sign in first.');
	const limit: Limit = { subject: `token:${ctx.ip ?? ''}`, max: 60 };
	const [counted] = await countAttempt(ctx, limit);
	assertWithin(ctx, limit, counted);
	return new DomainError(
		'not_signed_in',
		'This token is none, or is one no longer: expired, revoked, or its person has left.',
	);
}
