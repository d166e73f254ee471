import { and, asc, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { heldUntil } from '#domain/mail-digest.ts';
import { mails, notification_choices, notifications, users } from '../../db/client.ts';
import { commit, LostRace } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { mayBeTold } from '../notifications/rows.ts';
import { addressConfirmed } from './address.ts';

/** So many people's are made at a time, and so many notifications of one go into one mail. */
const PEOPLE_AT_ONCE = 50;
const EACH_MAX = 500;
const HOUR_MS = 3_600_000;

/** Those of a list of ids, which may be longer than what can be bound. */
export const listed = (ids: readonly number[]) =>
	sql`${notifications.id} in (select value from json_each(${JSON.stringify(ids)}))`;

/** Makes mails of the notifications that are to go into one, person by person. True where there may be more. */
export async function collectMails(ctx: Ctx): Promise<boolean> {
	const now = ctx.now();
	const due = await ctx.db
		.selectDistinct({ user_id: notifications.user_id })
		.from(notifications)
		.where(sql`${notifications.mail_due_at} <= ${now}`)
		.limit(PEOPLE_AT_ONCE);
	const people = due.map(({ user_id }) => user_id);
	if (people.length === 0) return false;
	const { user_id, event, project_id, id } = notifications;
	const waiting = sql`(select id, row_number() over (partition by user_id order by id) as place from notifications
		where mail_due_at is not null and user_id in (select value from json_each(${JSON.stringify(people)})))`;
	const [rows, whom, lately] = await ctx.db.batch([
		ctx.db
			.select({
				...{ id, user_id, event },
				may: sql<boolean>`${mayBeTold(user_id.getSQL(), event.getSQL(), project_id.getSQL())}`.mapWith(Boolean),
			})
			.from(notifications)
			.where(sql`${id} in (select id from ${waiting} where place <= ${EACH_MAX})`)
			.orderBy(asc(id)),
		ctx.db
			.select({
				id: users.id,
				email: users.email,
				confirmed: addressConfirmed(users.id.getSQL()),
				quiet: notification_choices.quiet,
			})
			.from(users)
			.leftJoin(notification_choices, eq(notification_choices.user_id, users.id))
			.where(inArray(users.id, people)),
		ctx.db
			.select({ user_id: mails.user_id, at: mails.created_at })
			.from(mails)
			.where(
				and(
					inArray(mails.user_id, people),
					sql`${mails.created_at} > ${now - HOUR_MS}`,
					isNotNull(mails.notifications),
				),
			),
	]);
	for (const person of whom) {
		const mine = rows.filter((row) => row.user_id === person.id);
		const told = person.email !== null && person.confirmed ? mine.filter(({ may }) => may) : [];
		const sent = lately.filter((mail) => mail.user_id === person.id).map(({ at }) => Date.parse(at));
		const events = told.map((row) => row.event);
		const held = told.length === 0 ? null : heldUntil(events, sent, person.quiet, now);
		await put(ctx, person.id, { all: mine.map((row) => row.id), told: told.map((row) => row.id), held });
	}
	return due.length === PEOPLE_AT_ONCE || rows.length >= EACH_MAX;
}

/** Into a mail, or off until then; what may not be told is forgotten. */
async function put(ctx: Ctx, user_id: number, what: { all: number[]; told: number[]; held: number | null }) {
	const { all, told, held } = what;
	const at = new Date(ctx.now()).toISOString();
	const off = (ids: number[], until: number | null) =>
		ctx.db
			.update(notifications)
			.set({ mail_due_at: until === null ? null : new Date(until).toISOString() })
			.where(listed(ids));
	const key = crypto.randomUUID();
	const mail = { user_id, key, notifications: told, next_at: at, created_at: at };
	const statements: BatchItem<'sqlite'>[] = [
		off(all, null),
		...(held !== null ? [off(told, held)] : told.length > 0 ? [ctx.db.insert(mails).values(mail)] : []),
	];
	// Somebody else may be making mails of them at the same time: one of the two does it.
	const expect = [
		sql`(select count(*) from ${notifications} where ${listed(all)} and mail_due_at is not null) = ${all.length}`,
	];
	await commit(ctx, { kind: 'system' }, { expect, statements, audit: [] }).catch((error: unknown) => {
		if (!(error instanceof LostRace)) throw error;
	});
}

/** Where no mail is sent, nothing waits to be. */
export const forgetMails = (ctx: Ctx) =>
	ctx.db.update(notifications).set({ mail_due_at: null }).where(isNotNull(notifications.mail_due_at));
