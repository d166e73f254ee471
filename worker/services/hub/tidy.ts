import { lte, sql } from 'drizzle-orm';
import {
	api_tokens,
	enrolments,
	hook_deliveries,
	idempotency_keys,
	import_chunks,
	imports,
	sessions,
	spent_states,
} from '../../db/client.ts';
import { overWindows } from '../attempts.ts';
import { thinOut } from '../server_status/thin-out.ts';
import { REMEMBERED_MS } from '../git_hooks/receive.ts';
import { oldMails } from '../mails/rows.ts';
import { thinNotifications } from '../notifications/thin.ts';
import type { Ctx } from '../context.ts';
import { overWatches } from '../live/watches.ts';

const DAY_MS = 86_400_000;

/**
 * Removes what has had its time: sessions, tokens, states of sign-ins and enrolment tokens that are over, keys a day old, old windows of
 * attempts, archives that did not come to their end, and of the hosts' past what is too fine,
 * and of what people were told and mailed what is old.
 */
export async function tidy(ctx: Ctx): Promise<void> {
	const at = (ms: number) => new Date(ms).toISOString();
	await ctx.db.batch([
		ctx.db.delete(sessions).where(lte(sessions.expires_at, at(ctx.now()))),
		// A person sees for a month that one of theirs has expired.
		ctx.db.delete(api_tokens).where(lte(api_tokens.expires_at, at(ctx.now() - 30 * DAY_MS))),
		ctx.db.delete(spent_states).where(lte(spent_states.expires_at, at(ctx.now()))),
		ctx.db.delete(idempotency_keys).where(lte(idempotency_keys.created_at, at(ctx.now() - DAY_MS))),
		ctx.db
			.delete(enrolments)
			.where(sql`${enrolments.used_at} is null and ${enrolments.expires_at} <= ${ctx.now() - DAY_MS}`),
		ctx.db.delete(imports).where(sql`${imports.done_at} is null and ${imports.updated_at} <= ${ctx.now() - DAY_MS}`),
		ctx.db
			.delete(import_chunks)
			.where(sql`${import_chunks.import_id} in (select id from ${imports} where done_at is not null)`),
		ctx.db.delete(hook_deliveries).where(lte(hook_deliveries.received_at, at(ctx.now() - REMEMBERED_MS))),
		overWindows(ctx),
		overWatches(ctx),
		...thinOut(ctx),
		thinNotifications(ctx),
		oldMails(ctx),
	]);
}
