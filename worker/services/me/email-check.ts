import { conflict } from '#domain/errors.ts';
import { mails } from '../../db/client.ts';
import { assertWithin, countAttempt, type Limit } from '../attempts.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, userId } from '../gate.ts';
import { addressQuery } from '../mails/address.ts';

/** Has a link sent to one's own address, which shows that one reads what comes there. */
export async function checkEmail(ctx: Ctx): Promise<void> {
	const { actor, rows } = await enter(ctx, 'me.email_check', null, [addressQuery(ctx, userId(ctx))]);
	const { email, confirmed } = one(rows[0], 'user');
	if (ctx.mail().way === null) throw conflict('This hub sends no e-mails.');
	if (email === null) throw conflict('You have no e-mail address: give one in your profile first.');
	if (confirmed) throw conflict('Your address is confirmed.');
	const limit: Limit = { subject: `email:${String(actor.id)}`, max: 3 };
	const [counted] = await countAttempt(ctx, limit);
	assertWithin(ctx, limit, counted);
	const at = new Date(ctx.now()).toISOString();
	await commit(ctx, actor, {
		statements: [
			ctx.db
				.insert(mails)
				.values({ user_id: actor.id, key: crypto.randomUUID(), notifications: null, next_at: at, created_at: at }),
		],
		audit: [{ action: 'me.email_check', object_type: 'User', object_id: actor.id, project_id: null }],
	});
	ctx.after(ctx.deliver());
}
