import { desc, eq, lte, sql, type SQL } from 'drizzle-orm';
import { watches } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf, type Scope, userId } from '../gate.ts';
import { SESSION_MS } from '../session/session.ts';

const DAY_MS = 86_400_000;
/** The most rooms that are told when somebody's rights change, those entered last first. */
const ROOMS_MAX = 200;

/** Notes that the person is about to open a socket in the project, in the very batch that finds whether they may. One write a day. */
export function watchProject(ctx: Ctx, scope: Scope) {
	const now = ctx.now();
	const who = userId(ctx);
	return ctx.db
		.insert(watches)
		.select(
			sql`select who, project, ${now} from (select ${who} as who, (select id from projects where id = ${scope?.project ?? sql`null`}) as project)
				where who is not null and project is not null and ${accessRankOf(sql`who`, sql`project`)} > 0`,
		)
		.onConflictDoUpdate({
			target: [watches.user_id, watches.project_id],
			set: { at: sql`excluded.at` },
			setWhere: lte(watches.at, new Date(now - DAY_MS).toISOString()),
		});
}

/** Where somebody may have sockets open: for the batch that takes their rights away, before it does. */
export const watchedBy = (ctx: Ctx, user: number | SQL) =>
	ctx.db
		.select({ user_id: watches.user_id, project_id: watches.project_id })
		.from(watches)
		.where(eq(watches.user_id, user))
		.orderBy(desc(watches.at))
		.limit(ROOMS_MAX);

/** Tells the rooms, after the commit, that the rights of a person have changed or a session has ended. */
export function tellRooms(ctx: Ctx, watched: readonly { user_id: number; project_id: number }[]): void {
	if (watched.length > 0) ctx.after(ctx.live.rightsChanged(watched));
}

/** Of sockets that cannot be open any more, for the hub's tidying. */
export const overWatches = (ctx: Ctx) =>
	ctx.db.delete(watches).where(lte(watches.at, new Date(ctx.now() - SESSION_MS - 2 * DAY_MS).toISOString()));
