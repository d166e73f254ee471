import { sql, type SQL } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import type { Ctx } from './context.ts';

const referredTo = {
	job_id: { table: 'jobs', what: 'job' },
	incident_id: { table: 'incidents', what: 'incident' },
	repo_id: { table: 'git_repos', what: 'repository' },
	environment_id: { table: 'environments', what: 'environment' },
} as const;
type Field = keyof typeof referredTo;

/** Rows that a body refers to, which must be of its own project. What is null or left out refers to nothing. */
export type References = { [F in Field]?: number | null | undefined };

const given = (refs: References) =>
	Object.entries(refs).flatMap(([name, id]) => {
		const field = (Object.keys(referredTo) as Field[]).find((one) => one === name);
		return field && id ? [{ field, id }] : [];
	});

const there = (field: Field, id: number, project: SQL): SQL =>
	sql`exists (select 1 from ${sql.identifier(referredTo[field].table)} where id = ${id} and project_id = ${project})`;

/** For a batch: the first field that refers to what is not in the project. */
export const strayReference = (ctx: Ctx, project: SQL, refs: References) =>
	ctx.db
		.select({
			field: sql<Field | null>`(case ${sql.join(
				given(refs).map(({ field, id }) => sql`when not ${there(field, id, project)} then ${field} `),
			)} when 1 = 0 then null end)`,
		})
		.from(sql`(select 1)`);

/** Throws `invalid`, naming the field. */
export function assertReferences([stray]: readonly { field: Field | null }[]): void {
	if (stray?.field) throw invalid(stray.field, `there is no such ${referredTo[stray.field].what} in this project`);
}

/** What was found is still there: for `expect`. */
export const stillThere = (project_id: number, refs: References): SQL[] =>
	given(refs).map(({ field, id }) => there(field, id, sql`${project_id}`));

type Source = { source_location: string } & (
	{ source_type: 'uploaded' | 'fs_path' } | { source_type: 'git'; repo_id: number; revision: string | null }
);

/** The columns that say where a document comes from. */
export const sourceColumns = (input: Source) => ({
	source_type: input.source_type,
	source_location: input.source_location,
	repo_id: input.source_type === 'git' ? input.repo_id : null,
	revision: input.source_type === 'git' ? input.revision : null,
});
