import type { Ctx } from '../context.ts';
import { everybody, tell } from './enqueue.ts';
import { due } from './happenings.ts';
import { pass } from './pass.ts';

/** Tells what nobody did: that the time for something has come, or that something has been away for a while. By the clock. */
export async function tellDue(ctx: Ctx): Promise<void> {
	const [first, ...rest] = due(ctx.now()).flatMap((it) => tell(ctx, it, everybody));
	if (!first) return;
	const people = pass(ctx, await ctx.db.batch([first, ...rest]));
	if (people.length > 0) ctx.after(ctx.live.touched(people));
}
