import { sql } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import { projects } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** Which of these projects there are. The ids travel as one parameter: there may be more than D1 binds. */
export const namedProjects = (ctx: Ctx, ids: number[] | null | undefined) =>
	ctx.db
		.select({ id: projects.id })
		.from(projects)
		.where(sql`${projects.id} in (select value from json_each(${JSON.stringify(ids ?? [])}))`);

export function assertProjects(ids: number[] | null | undefined, found: { id: number }[]): void {
	const known = new Set(found.map(({ id }) => id));
	ids?.forEach((id, i) => {
		if (!known.has(id)) throw invalid(`project_ids.${String(i)}`, 'there is no such project');
	});
}
