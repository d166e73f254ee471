import { and, eq, sql, type SQL } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import { environments } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** How far a clock may be ahead before a time is called the future. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** The query for the environment an incident names, of its own project. */
export const environmentQuery = (ctx: Ctx, project: SQL, environment_id: number | null | undefined) =>
	ctx.db
		.select({ id: environments.id })
		.from(environments)
		.where(and(eq(environments.id, environment_id ?? 0), eq(environments.project_id, project)));

export function assertEnvironment(environment_id: number | null | undefined, found: readonly { id: number }[]): void {
	if (environment_id !== null && environment_id !== undefined && found.length === 0)
		throw invalid('environment_id', 'there is no such environment in this project');
}

/** It is still there: for `expect`. */
export const stillThere = (project_id: number, environment_id: number | null | undefined): SQL[] =>
	environment_id
		? [sql`exists (select 1 from environments where id = ${environment_id} and project_id = ${project_id})`]
		: [];

/** Throws `invalid` for a time that has not come. */
export function assertPast(ctx: Ctx, path: string, at: string | null | undefined): void {
	if (at && Date.parse(at) > ctx.now() + CLOCK_SKEW_MS) throw invalid(path, 'must not be in the future');
}
