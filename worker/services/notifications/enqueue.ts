import { sql, type SQL } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { COLLECT_MS } from '#domain/mail-digest.ts';
import { Channel, defaultChannels, followed, type NotificationEvent } from '#domain/notification.ts';
import type { Actor } from '#domain/permissions.ts';
import { notifications } from '../../db/client.ts';
import type { AuditEntry } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf } from '../gate.ts';
import { enqueueFor } from '../webhooks/enqueue.ts';
import { type Happening, happeningsOf } from './happenings.ts';

/** One person is told of no more than so much within an hour. */
const HOURLY_MAX = 1_000;
const HOUR_MS = 3_600_000;

/** For the batch of a change: what people are to be told of it, as webhooks are. Never to the one who did it. */
export const notified = (ctx: Ctx, actor: Actor, entries: readonly AuditEntry[]): BatchItem<'sqlite'>[] =>
	entries
		.flatMap(happeningsOf)
		.flatMap((it) =>
			tell(ctx, it, actor.kind === 'user' && it.event !== 'test' ? sql`person.id <> ${actor.id}` : everybody),
		);

export const everybody = sql.raw('1');

const has = (channel: Channel) => sql.raw(`instr(reader.chosen, '"${channel}"') > 0`);

/** The channels this person chose for the event, as the text of a JSON array: their own choice, else their role's. */
function chosen(event: NotificationEvent): SQL {
	if (event === 'test') return sql.raw(`'${JSON.stringify(Channel.options)}'`);
	const roles = Object.entries(defaultChannels[event]);
	const byRole = roles.map(([role, channels]) => `when '${role}' then '${JSON.stringify(channels)}'`).join(' ');
	const own = `json_extract(choice.channels, '$."${event}"')`;
	const allowed = roles.map(([role]) => `'${role}'`).join();
	return sql.raw(
		`case when person.role in (${allowed}) then coalesce(${own}, case person.role ${byRole} end) else '[]' end`,
	);
}

/** The statements that tell a happening: to the list of each person, and to the webhooks among theirs. */
export function tell(ctx: Ctx, it: Happening, among: SQL): BatchItem<'sqlite'>[] {
	const now = ctx.now();
	const readers = sql`(select person.id, person.role, choice.projects, coalesce(choice.severity, 'medium') as severity,
			${chosen(it.event)} as chosen
		from users person left join notification_choices choice on choice.user_id = person.id
		where person.is_active = 1 and ${among})`;
	const inChosenProject =
		it.event !== 'test' && followed.has(it.event)
			? sql`and (reader.projects is null or ${it.project} in (select value from json_each(reader.projects)))`
			: sql.raw('');
	return [
		ctx.db
			.insert(notifications)
			.select(
				sql`select null, reader.id, ${it.event}, ${it.project}, ${it.object_type}, it.id, ${it.about}, ${it.key},
					${has('page')} or ${has('browser')}, ${has('browser')}, ${has('webhook')},
					case when ${has('mail')} then ${it.event === 'test' ? now : now + COLLECT_MS} end, ${now}, null
				from ${it.from} join ${readers} reader on ${it.whom}
				where ${it.where} and reader.chosen <> '[]' ${inChosenProject}
					and (${it.project} is null or ${accessRankOf(sql.raw('reader.id'), it.project)} > 0)
					and (select count(*) from (select 1 from notifications had where had.user_id = reader.id
						and had.created_at > ${now - HOUR_MS} limit ${HOURLY_MAX})) < ${HOURLY_MAX}`,
			)
			.onConflictDoNothing()
			.returning({ user_id: notifications.user_id, mail_due_at: notifications.mail_due_at }),
		enqueueFor(ctx, now, sql`select ${it.key} from ${it.from} where ${it.where}`),
	];
}
