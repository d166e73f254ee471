import { and, eq, sql } from 'drizzle-orm';
import { mailText, messageId } from '#domain/mail-text.ts';
import { finalMailErrors, type Mailed, type MailStatus } from '#domain/mail.ts';
import { nextTry } from '#domain/webhook.ts';
import type { MailRequest } from '#protocol/mail-request.ts';
import { agents, mails } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import type { Sealer } from '../sealed.ts';
import type { Outside } from '../webhooks/send.ts';
import { collectMails, forgetMails } from './collect.ts';
import { letterOf } from './letter.ts';
import { sendByProvider } from './provider.ts';
import type { MailWay } from './settings.ts';

/** So many are sent at once. */
const AT_ONCE = 6;
/** Longer than any attempt takes; what is claimed longer was lost with its hub. */
const CLAIM_MS = 120_000;
/** One call goes on for so long; the clock calls again. */
const TURN_MS = 45_000;
const ATTEMPTS_MAX = 10;

type Claimed = Pick<
	typeof mails.$inferSelect,
	'id' | 'user_id' | 'key' | 'notifications' | 'tries' | 'attempts' | 'created_at'
>;

/** What mails need of the world. */
export interface MailPort {
	outside: Outside;
	sealer: Sealer;
	/** Has an agent pass a mail on; null: it is not here, or does no such thing. */
	relay: (agent_id: number, key: string, mail: MailRequest) => Promise<Mailed | null>;
}

/**
 * Makes mails of what is due and sends them. Called after a change and by the clock, and by several at once: each mail is claimed by
 * one of them. What was sent and could not be noted is sent again, under the same name.
 */
export async function deliverMails(ctx: Ctx, port: MailPort): Promise<void> {
	const { way } = ctx.mail();
	if (way === null) {
		await forgetMails(ctx);
		return;
	}
	const until = ctx.now() + TURN_MS;
	while (ctx.now() < until) {
		const more = await collectMails(ctx);
		const claimed = await claim(ctx);
		if (claimed.length === 0 && !more) return;
		await Promise.all(claimed.map(async (mail) => settle(ctx, mail, await attempt(ctx, way, port, mail))));
	}
}

function claim(ctx: Ctx): Promise<Claimed[]> {
	const now = ctx.now();
	const { id, user_id, key, notifications, tries, attempts, created_at } = mails;
	return ctx.db
		.update(mails)
		.set({ claimed_until: new Date(now + CLAIM_MS).toISOString(), tries: sql`tries + 1` })
		.where(
			sql`${mails.id} in (select id from mails where status = 'pending' and next_at <= ${now}
				and (claimed_until is null or claimed_until <= ${now}) order by next_at, id limit ${AT_ONCE})`,
		)
		.returning({ id, user_id, key, notifications, tries, attempts, created_at });
}

async function attempt(ctx: Ctx, way: MailWay, { outside, sealer, relay }: MailPort, mail: Claimed): Promise<Mailed> {
	const made = await letterOf(ctx, sealer, mail);
	if (typeof made === 'string') return { error: made, detail: '' };
	const { to, locale, letter } = made;
	const { hub } = way;
	if (way.kind === 'agent') {
		const [agent] = await ctx.db
			.select({ id: agents.id })
			.from(agents)
			.where(and(eq(agents.name, way.agent), eq(agents.status, 'online')));
		const mailed = agent ? await relay(agent.id, mail.key, { to, locale, hub, letter }) : null;
		return mailed ?? { error: 'no_agent', detail: way.agent };
	}
	const message_id = messageId(mail.key, hub);
	return sendByProvider(
		way.provider,
		outside,
		{ ...mailText(letter, locale, hub), to, id: mail.key, message_id },
		ctx.now,
	);
}

/** Notes what came of an attempt. */
async function settle(ctx: Ctx, mail: Claimed, { error, detail }: Mailed): Promise<void> {
	const now = ctx.now();
	const next = error === null || finalMailErrors.has(error) ? null : nextTry(mail.tries, now);
	const status: MailStatus = error === null ? 'sent' : next === null ? 'failed' : 'pending';
	const attempt = { at: new Date(now).toISOString(), error, detail };
	await ctx.db
		.update(mails)
		.set({
			status,
			attempts: [...mail.attempts, attempt].slice(-ATTEMPTS_MAX),
			next_at: next === null ? null : new Date(next).toISOString(),
			claimed_until: null,
		})
		.where(eq(mails.id, mail.id));
	await ctx.live.touched([{ kind: 'notification', user_id: mail.user_id }]);
}
