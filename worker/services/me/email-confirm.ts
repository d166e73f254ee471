import { sql } from 'drizzle-orm';
import { conflict, invalid } from '#domain/errors.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, userId } from '../gate.ts';
import { addressQuery } from '../mails/address.ts';
import { confirmedBy } from '../mails/confirmation.ts';
import type { Sealer } from '../sealed.ts';

/** Follows the link that was sent to one's own address: whoever has it reads what comes there. */
export async function confirmEmail(ctx: Ctx, sealer: Sealer, token: string): Promise<void> {
	const { actor, rows } = await enter(ctx, 'me.email_confirm', null, [addressQuery(ctx, userId(ctx))]);
	const { email, confirmed } = one(rows[0], 'user');
	const address = await confirmedBy(sealer, actor.id, token, ctx.now());
	if (address === null) throw invalid('token', 'is not of a link that was sent to you, or is older than a day');
	if (address !== email) throw conflict('The link was sent to another address than the one you have now.');
	if (confirmed) return;
	await commit(ctx, actor, {
		expect: [sql`exists (select 1 from users where id = ${actor.id} and email = ${email})`],
		statements: [],
		audit: [{ action: 'me.email_confirm', object_type: 'User', object_id: actor.id, project_id: null }],
	});
}
