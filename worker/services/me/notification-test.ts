import { assertWithin, countAttempt, type Limit } from '../attempts.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';

/** Tells oneself, by every channel there is: to try them out. */
export async function testNotification(ctx: Ctx): Promise<void> {
	const { actor } = await enter(ctx, 'me.notification_test', null, []);
	const limit: Limit = { subject: `notify:${String(actor.id)}`, max: 20 };
	const [counted] = await countAttempt(ctx, limit);
	assertWithin(ctx, limit, counted);
	await commit(ctx, actor, {
		statements: [],
		audit: [{ action: 'me.notification_test', object_type: 'User', object_id: actor.id, project_id: null }],
	});
}
