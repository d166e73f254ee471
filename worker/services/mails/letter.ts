import { and, asc, eq, sql } from 'drizzle-orm';
import { plainLine } from '#domain/common.ts';
import { type Letter, LISTED_MAX } from '#domain/mail-text.ts';
import type { MailError } from '#domain/mail.ts';
import type { Locale } from '#domain/user.ts';
import { notifications, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { mayBeTold } from '../notifications/rows.ts';
import type { Sealer } from '../sealed.ts';
import { addressConfirmed } from './address.ts';
import { listed } from './collect.ts';
import { confirmation } from './confirmation.ts';

/** What a mail says and to whom, as it is right before it leaves; or why it may not. */
export async function letterOf(
	ctx: Ctx,
	sealer: Sealer,
	mail: { user_id: number; notifications: number[] | null; created_at: string },
): Promise<{ to: string; locale: Locale; letter: Letter } | MailError> {
	const { event, about, object_type, object_id, created_at, user_id, project_id, id } = notifications;
	// Not of what may not be told any more, however long the mail has waited.
	const told = and(
		listed(mail.notifications ?? []),
		eq(user_id, mail.user_id),
		mayBeTold(user_id.getSQL(), event.getSQL(), project_id.getSQL()),
	);
	const [[person], rows, [count]] = await ctx.db.batch([
		ctx.db
			.select({
				...{ email: users.email, locale: users.locale, is_active: users.is_active },
				confirmed: addressConfirmed(users.id.getSQL()),
			})
			.from(users)
			.where(eq(users.id, mail.user_id)),
		ctx.db
			.select({ event, about, object_type, object_id, created_at })
			.from(notifications)
			.where(told)
			.orderBy(asc(id))
			.limit(LISTED_MAX),
		ctx.db
			.select({ all: sql<number>`count(*)` })
			.from(notifications)
			.where(told),
	]);
	if (!person?.is_active) return 'not_allowed';
	const { email: to, locale } = person;
	if (to === null) return 'no_address';
	if (mail.notifications === null) {
		const token = await confirmation(sealer, mail.user_id, to, Date.parse(mail.created_at));
		return { to, locale, letter: { kind: 'confirm', token } };
	}
	if (!person.confirmed) return 'no_address';
	if (rows.length === 0) return 'not_allowed';
	const short = rows.map((row) => {
		const { title, project } = row.about;
		return { ...row, about: { ...row.about, title: plainLine(title), project: project && plainLine(project) } };
	});
	return { to, locale, letter: { kind: 'told', told: short, more: (count?.all ?? 0) - rows.length } };
}
