import { and, eq, isNull, lte, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery, Time } from '#domain/common.ts';
import type { Freeze } from '#domain/freeze.ts';
import { occurrences } from '#domain/series.ts';
import { freezes } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject, visibleProjects } from '../gate.ts';
import { endsAfter } from './in-force.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const FreezeList = z.strictObject({
	...ListQuery,
	sort: sortBy(['start', 'end', 'created_at'], 'start'),
	/** A project's own; `none`: those of all projects. */
	project_id: z.union([z.literal('none'), z.coerce.number().pipe(Id)]).optional(),
	environment_id: z.coerce.number().pipe(Id).optional(),
	/** Those that are on at this moment. */
	active_at: Time.optional(),
	/** Those that end after this. */
	from: Time.optional(),
});

/** The freezes of the projects a person may see, and those of all projects. */
export async function listFreezes(ctx: Ctx, query: z.infer<typeof FreezeList>): Promise<Page<Freeze>> {
	const { start, end, created_at } = freezes;
	const { limit, orderBy, page, where } = keyset(query, { start, end, created_at }, freezes.id);
	const { project_id, environment_id, active_at, from } = query;
	const ofProject =
		project_id === 'none'
			? isNull(freezes.project_id)
			: project_id === undefined
				? or(isNull(freezes.project_id), sql`${freezes.project_id} in ${visibleProjects(ctx)}`)
				: eq(freezes.project_id, project_id);
	const { rows } = await enter(ctx, 'freeze.list', typeof project_id === 'number' ? inProject(project_id) : null, [
		ctx.db
			.select()
			.from(freezes)
			.where(
				and(
					ofProject,
					where,
					environment_id ? eq(freezes.environment_id, environment_id) : undefined,
					active_at ? and(lte(freezes.start, active_at), endsAfter(active_at)) : undefined,
					from ? endsAfter(from) : undefined,
					holds(freezes.title, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	const found = page(rows[0]);
	// Whether what recurs is on at a moment its rule says, and no statement does.
	return active_at ? { ...found, items: found.items.filter((freeze) => isOn(freeze, active_at)) } : found;
}

const isOn = (freeze: Freeze, at: string) =>
	occurrences(freeze, { from: at, to: new Date(Date.parse(at) + 1).toISOString() }).length > 0;
