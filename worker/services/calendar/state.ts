import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { Id, Time } from '#domain/common.ts';
import { invalid } from '#domain/errors.ts';
import type { CalendarState } from '#domain/freeze.ts';
import { recurringState } from '#domain/freeze-times.ts';
import type { Ctx } from '../context.ts';
import { freezesFrom } from '../freezes/in-force.ts';
import { enter, inProject } from '../gate.ts';
import { assertEnvironment, environmentQuery } from '../incidents/references.ts';

export const CalendarStateQuery = z.strictObject({
	/** Without it: what the freezes of all projects say. */
	project_id: z.coerce.number().pipe(Id).optional(),
	environment_id: z.coerce.number().pipe(Id).optional(),
	/** Now, where it is left out. */
	at: Time.optional(),
});

/** Whether something may start there and then, why not, and when that changes. */
export async function readCalendarState(ctx: Ctx, query: z.infer<typeof CalendarStateQuery>): Promise<CalendarState> {
	const { project_id = null, environment_id = null, at = new Date(ctx.now()).toISOString() } = query;
	if (environment_id !== null && project_id === null) throw invalid('project_id', 'of the environment, is missing');
	const { rows } = await enter(ctx, 'calendar.state', project_id === null ? null : inProject(project_id), [
		freezesFrom(ctx, project_id, at),
		environmentQuery(ctx, sql`${project_id}`, environment_id),
	]);
	assertEnvironment(environment_id, rows[1]);
	return recurringState(rows[0], environment_id, at);
}
