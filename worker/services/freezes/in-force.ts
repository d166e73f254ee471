import { and, asc, eq, gt, isNotNull, isNull, or, type SQL } from 'drizzle-orm';
import { freezes } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** More freezes of a project (and of all) ahead than this are not looked at: what is on now comes first. */
const AHEAD_MAX = 500;

/** Over freezes: its end, or the last one of a series, is after that. */
export const endsAfter = (at: string): SQL | undefined =>
	or(
		gt(freezes.end, at),
		and(isNotNull(freezes.recurrence), or(isNull(freezes.recurs_until), gt(freezes.recurs_until, at))),
	);

/** The freezes of a project and of all projects that are on at a moment or come after it, for a batch of the caller's. */
export const freezesFrom = (ctx: Ctx, project_id: number | SQL | null, at: string) =>
	ctx.db
		.select({
			id: freezes.id,
			title: freezes.title,
			start: freezes.start,
			end: freezes.end,
			recurrence: freezes.recurrence,
			environment_id: freezes.environment_id,
		})
		.from(freezes)
		.where(
			and(
				project_id === null
					? isNull(freezes.project_id)
					: or(eq(freezes.project_id, project_id), isNull(freezes.project_id)),
				endsAfter(at),
			),
		)
		.orderBy(asc(freezes.start), asc(freezes.id))
		.limit(AHEAD_MAX);
