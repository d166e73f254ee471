import { and, eq, inArray, isNotNull, ne, not, sql } from 'drizzle-orm';
import { type DeliveryAttempt, FAILING_MAX_MS, nextTry, type WebhookDelivery } from '#domain/webhook.ts';
import { webhook_deliveries, webhooks } from '../../db/client.ts';
import { commit, LostRace } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { unchanged } from '../edit.ts';
import { mayBeTold } from '../notifications/rows.ts';
import type { Sealer } from '../sealed.ts';
import { SECRET_PURPOSE, tellWebhook } from './rows.ts';
import { notSent, type Outside, send } from './send.ts';

/** So many are sent at once, so many of them to the same webhook: a slow one does not hold up the others. */
const AT_ONCE = 6;
const AT_ONCE_EACH = 3;
/** Longer than any attempt takes; what is claimed longer was lost with its hub. */
const CLAIM_MS = 60_000;
/** One call goes on for so long; the clock calls again. */
const TURN_MS = 45_000;
/** What is kept of a webhook's log: deliveries, and attempts of each. */
const LOG_MAX = 500;
const ATTEMPTS_MAX = 10;

type Hook = typeof webhooks.$inferSelect;
type Claimed = Pick<WebhookDelivery, 'id' | 'webhook_id' | 'key' | 'event' | 'payload' | 'attempts' | 'tries'>;

/**
 * Sends what is due. Called after a change and by the clock, and by several at once: each delivery is claimed by one of them. What
 * was sent and could not be noted is sent again, under the same name: at least once.
 */
export async function deliverWebhooks(ctx: Ctx, outside: Outside, sealer: Sealer): Promise<void> {
	const until = ctx.now() + TURN_MS;
	while (ctx.now() < until) {
		const claimed = await claim(ctx);
		if (claimed.length === 0) return;
		const [hooks, lost] = await ctx.db.batch([
			ctx.db
				.select()
				.from(webhooks)
				.where(inArray(webhooks.id, [...new Set(claimed.map(({ webhook_id }) => webhook_id))])),
			noMoreToBeTold(
				ctx,
				claimed.map(({ id }) => id),
			),
		]);
		const barred = new Set(lost.map(({ id }) => id));
		const byId = new Map(hooks.map((hook) => [hook.id, hook]));
		await Promise.all(
			claimed.map(async (delivery) => {
				const hook = byId.get(delivery.webhook_id);
				if (!hook) return;
				if (barred.has(delivery.id)) return settle(ctx, hook, delivery, notSent('not_allowed', ctx.now()));
				const secret = hook.secret === null ? null : await sealer.open(SECRET_PURPOSE, hook.secret_for, hook.secret);
				const { key, event, payload } = delivery;
				const letter = { url: hook.url, secret, key, event, body: JSON.stringify({ id: key, ...payload }) };
				const way = hook.user_id === null ? outside : { ...outside, fetch: outside.open, networks: [] };
				await settle(ctx, hook, delivery, await send(way, letter, ctx.now));
			}),
		);
	}
}

/** Of these, what a person would be told who may not be told it any more. */
const noMoreToBeTold = (ctx: Ctx, ids: number[]) =>
	ctx.db
		.select({ id: webhook_deliveries.id })
		.from(webhook_deliveries)
		.innerJoin(webhooks, eq(webhooks.id, webhook_deliveries.webhook_id))
		.where(
			and(
				inArray(webhook_deliveries.id, ids),
				isNotNull(webhooks.user_id),
				not(
					mayBeTold(
						webhooks.user_id.getSQL(),
						sql`json_extract(${webhook_deliveries.payload}, '$.notification')`,
						sql`json_extract(${webhook_deliveries.payload}, '$.project.id')`,
					),
				),
			),
		);

function claim(ctx: Ctx): Promise<Claimed[]> {
	const now = ctx.now();
	const { id, webhook_id, key, event, payload, attempts, tries } = webhook_deliveries;
	return ctx.db
		.update(webhook_deliveries)
		.set({ claimed_until: new Date(now + CLAIM_MS).toISOString(), tries: sql`tries + 1` })
		.where(
			sql`${webhook_deliveries.id} in (select due.id from (
				select d.id, d.next_at, row_number() over (partition by d.webhook_id order by d.next_at, d.id) as place
				from webhook_deliveries d join webhooks w on w.id = d.webhook_id
				where d.status = 'pending' and d.next_at <= ${now} and w.status = 'active'
					and (d.claimed_until is null or d.claimed_until <= ${now})
			) due where due.place <= ${AT_ONCE_EACH} order by due.next_at, due.id limit ${AT_ONCE})`,
		)
		.returning({ id, webhook_id, key, event, payload, attempts, tries });
}

/** Notes what came of an attempt, thins the log, and turns off what has been dead for long. */
async function settle(ctx: Ctx, hook: Hook, delivery: Claimed, attempt: DeliveryAttempt): Promise<void> {
	const now = ctx.now();
	const arrived = attempt.error === null;
	const barred = attempt.error === 'not_allowed';
	const next = arrived || barred ? null : nextTry(delivery.tries, now);
	await ctx.db.batch([
		ctx.db
			.update(webhook_deliveries)
			.set({
				status: arrived ? 'delivered' : next === null ? 'failed' : 'pending',
				attempts: [...delivery.attempts, attempt].slice(-ATTEMPTS_MAX),
				next_at: next === null ? null : new Date(next).toISOString(),
				claimed_until: null,
			})
			.where(eq(webhook_deliveries.id, delivery.id)),
		ctx.db
			.update(webhooks)
			.set(
				arrived
					? { failing_since: null, last_success_at: attempt.at }
					: barred
						? { failing_since: hook.failing_since }
						: { failing_since: sql`coalesce(${webhooks.failing_since}, ${Date.parse(attempt.at)})` },
			)
			.where(eq(webhooks.id, hook.id)),
		ctx.db
			.delete(webhook_deliveries)
			.where(
				and(
					eq(webhook_deliveries.webhook_id, hook.id),
					ne(webhook_deliveries.status, 'pending'),
					sql`${webhook_deliveries.id} <= (select id from webhook_deliveries newer where newer.webhook_id = ${hook.id} order by id desc limit 1 offset ${LOG_MAX})`,
				),
			),
	]);
	const reason =
		attempt.status === 410
			? ('gone' as const)
			: !arrived && !barred && hook.failing_since !== null && now - Date.parse(hook.failing_since) >= FAILING_MAX_MS
				? ('failing' as const)
				: null;
	if (reason !== null) await disable(ctx, hook, reason);
	tellWebhook(ctx, hook);
}

async function disable(ctx: Ctx, hook: Hook, disabled_reason: 'failing' | 'gone'): Promise<void> {
	try {
		await commit(
			ctx,
			{ kind: 'system' },
			{
				expect: [unchanged(webhooks, hook)],
				statements: [
					ctx.db
						.update(webhooks)
						.set({
							status: 'disabled',
							disabled_reason,
							version: hook.version + 1,
							updated_at: new Date(ctx.now()).toISOString(),
						})
						.where(eq(webhooks.id, hook.id)),
				],
				audit: [
					{
						action: 'webhook.disable',
						object_type: 'Webhook',
						object_id: hook.id,
						project_id: hook.project_id,
						metadata: {
							version: hook.version + 1,
							changes: { status: { from: hook.status, to: 'disabled' } },
							reason: disabled_reason,
							name: hook.name,
						},
					},
				],
			},
		);
	} catch (error) {
		// Somebody is changing it, or another delivery turned it off a moment ago: the next failure looks again.
		if (!(error instanceof LostRace)) throw error;
	}
}
