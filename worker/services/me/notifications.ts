import { and, getTableColumns, inArray, sql } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import {
	defaultChannels,
	eventsFor,
	type NotificationChoice,
	type NotificationPreferences,
} from '#domain/notification.ts';
import type { Role } from '#domain/user.ts';
import { notification_choices, projects, webhooks } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { enter, userId, visibleProjects } from '../gate.ts';
import { addressQuery } from '../mails/address.ts';
import { mailsTo } from '../mails/rows.ts';
import { omit } from '../omit.ts';
import { webhookColumns } from '../webhooks/rows.ts';

/** What a person is told of, how, and what there is to tell them by. */
export async function readPreferences(ctx: Ctx): Promise<NotificationPreferences> {
	const me = userId(ctx);
	const { actor, rows } = await enter(ctx, 'me.notifications', null, [
		ctx.db
			.select(omit(getTableColumns(notification_choices), 'user_id', 'updated_at'))
			.from(notification_choices)
			.where(sql`${notification_choices.user_id} = ${me}`),
		ctx.db
			.select(webhookColumns)
			.from(webhooks)
			.where(sql`${webhooks.user_id} = ${me}`),
		addressQuery(ctx, me),
		mailsTo(ctx, me),
	]);
	const [[choice], [webhook], [address], latest] = rows;
	return {
		channels: channelsOf(actor.role, choice?.channels ?? {}),
		projects: choice?.projects ?? null,
		severity: choice?.severity ?? 'medium',
		quiet: choice?.quiet ?? null,
		webhook: webhook ?? null,
		mail: {
			ready: ctx.mail().way !== null,
			address: address?.email ?? null,
			confirmed: address?.confirmed ?? false,
			latest,
		},
	};
}

const channelsOf = (role: Role, own: NotificationChoice['channels']): NotificationPreferences['channels'] =>
	Object.fromEntries(eventsFor(role).map((event) => [event, own[event] ?? [...(defaultChannels[event][role] ?? [])]]));

/** A person chooses what to be told of. It is theirs alone, so the latest choice counts. */
export async function choosePreferences(ctx: Ctx, choice: NotificationChoice): Promise<void> {
	const { projects: chosen } = choice;
	const { actor, rows } = await enter(ctx, 'me.notifications', null, [
		ctx.db
			.select({ id: projects.id })
			.from(projects)
			.where(and(inArray(projects.id, chosen ?? []), sql`${projects.id} in ${visibleProjects(ctx)}`)),
	]);
	const may = new Set(eventsFor(actor.role));
	const [other] = Object.keys(choice.channels).filter((event) => ![...may].some((one) => one === event));
	if (other !== undefined) throw invalid(`channels.${other}`, `is not for the role ${actor.role}`);
	const unknown = (chosen ?? []).findIndex((id) => !rows[0].some((project) => project.id === id));
	if (unknown >= 0) throw invalid(`projects.${String(unknown)}`, 'there is no such project');

	const row = { ...choice, updated_at: new Date(ctx.now()).toISOString() };
	await commit(ctx, actor, {
		statements: [
			ctx.db
				.insert(notification_choices)
				.values({ user_id: actor.id, ...row })
				.onConflictDoUpdate({ target: notification_choices.user_id, set: row }),
		],
		audit: [{ action: 'me.notifications', object_type: 'User', object_id: actor.id, project_id: null }],
	});
}
