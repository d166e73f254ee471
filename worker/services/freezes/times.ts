import { and, asc, isNull, lt, or, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { invalid } from '#domain/errors.ts';
import type { FreezeTime } from '#domain/freeze.ts';
import { freezeTimes } from '#domain/freeze-times.ts';
import { freezes } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import type { CalendarQuery } from '../events/calendar.ts';
import { enter, inProject, visibleProjects } from '../gate.ts';
import { endsAfter } from './in-force.ts';

/** More freezes, and more times of them, than anyone can look at; a window with more is refused, not cut. */
const FREEZES_MAX = 1_000;
const TIMES_MAX = 10_000;

/** When freezes are on in a window: those of a project and of all projects, or of all that the person may see. */
export async function readFreezeTimes(ctx: Ctx, query: z.infer<typeof CalendarQuery>): Promise<FreezeTime[]> {
	const iso = (time: string) => new Date(time).toISOString();
	const [from, to] = [iso(query.start), iso(query.end)];
	const { project_id } = query;
	const mine =
		project_id === undefined
			? sql`${freezes.project_id} in ${visibleProjects(ctx)}`
			: sql`${freezes.project_id} = ${project_id}`;
	const { rows } = await enter(ctx, 'freeze.list', project_id === undefined ? null : inProject(project_id), [
		ctx.db
			.select()
			.from(freezes)
			.where(and(or(isNull(freezes.project_id), mine), lt(freezes.start, to), endsAfter(from)))
			.orderBy(asc(freezes.start), asc(freezes.id))
			.limit(FREEZES_MAX + 1),
	]);
	const times = rows[0].length > FREEZES_MAX ? null : freezeTimes(rows[0], { from, to });
	if (times === null || times.length > TIMES_MAX)
		throw invalid('end', 'more freezes lie in this window than anyone can look at: ask for a shorter one');
	return times;
}
