import { and, eq, getTableColumns } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import type { JobView } from '#domain/job.ts';
import type { ScriptRef } from '#domain/script.ts';
import { Tool } from '#domain/tool.ts';
import { job_script_refs, script_refs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, ofRow } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { omit } from '../omit.ts';
import { jobQueries, viewOf } from './rows.ts';

export async function readJob(ctx: Ctx, id: number): Promise<JobView> {
	const { rows } = await enter(ctx, 'job.read', ofRow('job', id), jobQueries(ctx, id));
	return viewOf(...rows);
}

export const JobScriptList = z.strictObject({
	...ListQuery,
	/** The order in which they run. */
	sort: sortBy(['position', 'name'], 'position'),
	tool: Tool.optional(),
});

/** A job's scripts. */
export async function readJobScripts(
	ctx: Ctx,
	id: number,
	query: z.infer<typeof JobScriptList>,
): Promise<Page<ScriptRef>> {
	const { position } = job_script_refs;
	const { limit, orderBy, page, where } = keyset(query, { position, name: script_refs.name }, script_refs.id);
	const { rows } = await enter(ctx, 'job.read', ofRow('job', id), [
		ctx.db
			.select({ ...getTableColumns(script_refs), position })
			.from(job_script_refs)
			.innerJoin(script_refs, eq(script_refs.id, job_script_refs.script_id))
			.where(
				and(
					eq(job_script_refs.job_id, id),
					where,
					query.tool && eq(script_refs.tool, query.tool),
					holds(script_refs.name, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	const { items, next_cursor } = page(rows[0]);
	return { items: items.map((script) => omit(script, 'position')), next_cursor };
}
