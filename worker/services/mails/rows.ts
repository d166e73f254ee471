import { desc, getTableColumns, lte, sql, type SQL } from 'drizzle-orm';
import type { MailHealth } from '#domain/mail.ts';
import type { z } from 'zod';
import { mails, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { omit } from '../omit.ts';

const LATEST = 5;
const FAILURES = 10;
const DAY_MS = 86_400_000;
/** What became of a mail is kept for so long. */
const KEPT_MS = 30 * DAY_MS;

/** What a person sees of the mails to them. */
export const mailsTo = (ctx: Ctx, user: SQL) =>
	ctx.db
		.select(omit(getTableColumns(mails), 'user_id', 'key', 'notifications', 'tries', 'claimed_until'))
		.from(mails)
		.where(sql`${mails.user_id} = ${user}`)
		.orderBy(desc(mails.created_at), desc(mails.id))
		.limit(LATEST);

/** The latest that are tried and not sent, for admins. */
export const failuresQuery = (ctx: Ctx) =>
	ctx.db
		.select({ id: mails.id, username: users.username, status: mails.status, attempts: mails.attempts })
		.from(mails)
		.innerJoin(users, sql`${users.id} = ${mails.user_id}`)
		.where(sql`${mails.status} <> 'sent' and ${mails.attempts} <> '[]'`)
		.orderBy(desc(mails.created_at))
		.limit(FAILURES);

export const failures = (rows: Awaited<ReturnType<typeof failuresQuery>>): z.infer<typeof MailHealth>['failures'] =>
	rows.flatMap(({ id, username, status, attempts }) => {
		const last = attempts.at(-1);
		return last ? [{ id, username, status, ...last }] : [];
	});

/** How many wait, and how many were given up within a day: rows of `key` and `n`. */
export const mailCounts = (now: number): SQL =>
	sql`select 'waiting' as key, count(*) as n from mails where status = 'pending'
		union all select 'failed_last_day', count(*) from mails where created_at > ${now - DAY_MS} and status <> 'sent' and status = 'failed'`;

export const oldMails = (ctx: Ctx) =>
	ctx.db.delete(mails).where(lte(mails.created_at, new Date(ctx.now() - KEPT_MS).toISOString()));
