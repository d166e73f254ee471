import { Hono } from 'hono';
import { z } from 'zod';
import { FeedMade, FeedState } from '#domain/feed.ts';
import { row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { UNTRUSTED_CSP } from '#worker/http/headers.ts';
import { json, query } from '#worker/http/input.ts';
import { readCalendarFeed } from '#worker/services/feeds/calendar.ts';
import { readIncidentFeed } from '#worker/services/feeds/incidents.ts';
import { asFeedReader, readFeed, renewFeed, revokeFeed } from '#worker/services/feeds/token.ts';

const FeedQuery = z.strictObject({ token: z.string().min(1).max(100) });

/** What calendars and readers subscribe to, by a person's secret address. */
export const feeds = new Hono<AppEnv>()
	.get(
		'/me/feed',
		describe('me.feed', 'Whether you have an address to subscribe to', { schema: FeedState }),
		async (c) => row(c, await readFeed(c.var.ctx)),
	)
	.post(
		'/me/feed',
		describe('me.feed_renew', 'Make an address to subscribe to, shown this once; an earlier one ends', {
			status: 201,
			schema: FeedMade,
		}),
		json(z.strictObject({})),
		// Without an Idempotency-Key's replay: keeping the answer would keep the address.
		async (c) => row(c, await settled(() => renewFeed(c.var.ctx, new URL(c.req.url).origin)), 201),
	)
	.delete('/me/feed', describe('me.feed_revoke', 'End the address to subscribe to', { status: 204 }), async (c) => {
		await revokeFeed(c.var.ctx);
		return c.body(null, 204);
	})
	.get(
		'/calendar.ics',
		describe('feed.calendar', 'The calendar, to subscribe to', { media: 'text/calendar' }),
		query(FeedQuery),
		async (c) => {
			const ctx = await asFeedReader(c.var.ctx, c.req.valid('query').token);
			return c.body(await readCalendarFeed(ctx, new URL(c.req.url)), 200, {
				'content-type': 'text/calendar; charset=utf-8',
				'content-security-policy': UNTRUSTED_CSP,
			});
		},
	)
	.get(
		'/incidents.atom',
		describe('feed.incidents', 'The latest incidents, to subscribe to', { media: 'application/atom+xml' }),
		query(FeedQuery),
		async (c) => {
			const ctx = await asFeedReader(c.var.ctx, c.req.valid('query').token);
			return c.body(await readIncidentFeed(ctx, new URL(c.req.url)), 200, {
				'content-type': 'application/atom+xml; charset=utf-8',
				'content-security-policy': UNTRUSTED_CSP,
			});
		},
	);
