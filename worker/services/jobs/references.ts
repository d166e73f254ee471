import { and, eq, inArray, sql, type SQL } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import { environments, inventories, script_refs, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** What a job's input refers to; what is left out is not asked for. */
interface References {
	environment_id?: number | null | undefined;
	owner_id?: number | null | undefined;
	requested_by_id?: number | null | undefined;
	script_ids?: number[] | undefined;
	targets?: { inventory_id: number } | null | undefined;
}

/** The queries for what a job refers to, for a batch. Environment, scripts and inventory must be of its own project. */
export const referenceQueries = (ctx: Ctx, project: SQL, refs: References) =>
	[
		ctx.db
			.select({ id: environments.id })
			.from(environments)
			.where(and(eq(environments.id, refs.environment_id ?? 0), eq(environments.project_id, project))),
		ctx.db
			.select({ id: users.id })
			.from(users)
			.where(and(inArray(users.id, [refs.owner_id ?? 0, refs.requested_by_id ?? 0]), eq(users.is_active, true))),
		ctx.db
			.select({ id: script_refs.id })
			.from(script_refs)
			.where(
				and(inArray(script_refs.id, [0, ...(refs.script_ids ?? [])]), eq(script_refs.project_id, sql`${project}`)),
			),
		ctx.db
			.select({ id: inventories.id })
			.from(inventories)
			.where(and(eq(inventories.id, refs.targets?.inventory_id ?? 0), eq(inventories.project_id, project))),
	] as const;

type Found = readonly { id: number }[];

/** Throws `invalid`, naming the field, for a reference to what is not there, or in another project. */
export function assertReferences(
	refs: References,
	environment: Found,
	people: Found,
	scripts: Found,
	inventory: Found,
): void {
	const has = (found: Found, id: number | null | undefined) =>
		id === null || id === undefined || found.some((row) => row.id === id);
	if (!has(environment, refs.environment_id))
		throw invalid('environment_id', 'there is no such environment in this project');
	if (!has(people, refs.owner_id)) throw invalid('owner_id', 'there is no such active user');
	if (!has(people, refs.requested_by_id)) throw invalid('requested_by_id', 'there is no such active user');
	if (!has(inventory, refs.targets?.inventory_id))
		throw invalid('targets.inventory_id', 'there is no such inventory in this project');
	refs.script_ids?.forEach((id, i) => {
		if (!has(scripts, id)) throw invalid(`script_ids.${String(i)}`, 'there is no such script in this project');
	});
}

/** What was found is still there: for `expect`. */
export const stillReferred = (project_id: number, refs: References): SQL[] => [
	...(refs.environment_id
		? [sql`exists (select 1 from environments where id = ${refs.environment_id} and project_id = ${project_id})`]
		: []),
	...(refs.targets
		? [sql`exists (select 1 from inventories where id = ${refs.targets.inventory_id} and project_id = ${project_id})`]
		: []),
	...(refs.script_ids?.length
		? [
				sql`(select count(*) from script_refs where project_id = ${project_id} and id in ${refs.script_ids}) = ${refs.script_ids.length}`,
			]
		: []),
];
