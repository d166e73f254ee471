import { eq } from 'drizzle-orm';
import type { Freeze } from '#domain/freeze.ts';
import { projects } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** The most projects that are told at once of a freeze of all; those that are not have a look at their queue by themselves. */
const TOLD_MAX = 200;

/** Tells the open pages, and the rooms that hold runs back, that a freeze came, moved or went. */
export function tellFreeze(ctx: Ctx, project_id: number | null, id: number, row: Freeze | null): void {
	const told = project_id === null ? everyProject(ctx) : Promise.resolve([project_id]);
	ctx.after(
		told.then((ids) => ctx.live.changed(ids.map((project_id) => ({ project_id, entity: 'freeze' as const, id, row })))),
	);
}

async function everyProject(ctx: Ctx): Promise<number[]> {
	const rows = await ctx.db
		.select({ id: projects.id })
		.from(projects)
		.where(eq(projects.status, 'active'))
		.orderBy(projects.id)
		.limit(TOLD_MAX);
	return rows.map(({ id }) => id);
}
