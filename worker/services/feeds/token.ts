import { and, eq, sql } from 'drizzle-orm';
import { notFound } from '#domain/errors.ts';
import type { FeedMade, FeedState } from '#domain/feed.ts';
import { feeds, users } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { enter, userId } from '../gate.ts';
import { hashOf, newSecret } from '../secrets.ts';

const HOUR_MS = 3_600_000;

/** Whether there is such an address, and when it was asked last. */
export async function readFeed(ctx: Ctx): Promise<FeedState> {
	const { rows } = await enter(ctx, 'me.feed', null, [
		ctx.db
			.select({ created_at: feeds.created_at, last_used_at: feeds.last_used_at })
			.from(feeds)
			.where(sql`${feeds.user_id} = ${userId(ctx)}`),
	]);
	return { feed: rows[0][0] ?? null };
}

/** Makes the address, shown this once. The one before it leads nowhere any more. */
export async function renewFeed(ctx: Ctx, origin: string): Promise<FeedMade> {
	const { actor } = await enter(ctx, 'me.feed_renew', null, []);
	const token = newSecret('uhubfeed_');
	const created_at = new Date(ctx.now()).toISOString();
	const row = { hash: await hashOf(token), created_at, last_used_at: null };
	await commit(ctx, actor, {
		statements: [
			ctx.db
				.insert(feeds)
				.values({ user_id: actor.id, ...row })
				.onConflictDoUpdate({ target: feeds.user_id, set: row }),
		],
		audit: [{ action: 'me.feed_renew', object_type: 'User', object_id: actor.id, project_id: null }],
	});
	const at = (path: string) => `${origin}${path}?token=${token}`;
	return { calendar_url: at('/api/calendar.ics'), incidents_url: at('/api/incidents.atom'), created_at };
}

export async function revokeFeed(ctx: Ctx): Promise<void> {
	const { actor } = await enter(ctx, 'me.feed_revoke', null, []);
	await commit(ctx, actor, {
		statements: [ctx.db.delete(feeds).where(eq(feeds.user_id, actor.id))],
		audit: [{ action: 'me.feed_revoke', object_type: 'User', object_id: actor.id, project_id: null }],
	});
}

/** The world as the person sees it whose token that is. What is no token is not found, like any address that is none. */
export async function asFeedReader(ctx: Ctx, token: string): Promise<Ctx> {
	const [found] = await ctx.db
		.select({ id: users.id, username: users.username, role: users.role, last_used_at: feeds.last_used_at })
		.from(feeds)
		.innerJoin(users, eq(users.id, feeds.user_id))
		.where(and(eq(feeds.hash, await hashOf(token)), eq(users.is_active, true)));
	if (!found) throw notFound('feed');
	const { last_used_at, ...person } = found;
	const now = ctx.now();
	if (last_used_at === null || now - Date.parse(last_used_at) >= HOUR_MS)
		ctx.after(
			ctx.db
				.update(feeds)
				.set({ last_used_at: new Date(now).toISOString() })
				.where(eq(feeds.user_id, person.id))
				.then(() => ctx.live.touched([{ kind: 'feed', user_id: person.id }])),
		);
	return { ...ctx, credential: { kind: 'actor', actor: { kind: 'user', ...person } } };
}
