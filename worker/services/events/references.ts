import { and, eq, sql, type SQL } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import { users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { assertEnvironment, environmentQuery, stillThere } from '../incidents/references.ts';

/** What an entry's input refers to; what is left out is not asked for. */
interface References {
	environment_id?: number | null | undefined;
	attendees?: number[] | undefined;
}

/** The queries for what an entry refers to, for a batch. */
export const referenceQueries = (ctx: Ctx, project: SQL, { environment_id, attendees = [] }: References) =>
	[
		environmentQuery(ctx, project, environment_id),
		ctx.db
			.select({ id: users.id })
			.from(users)
			.where(
				and(sql`${users.id} in (select value from json_each(${JSON.stringify(attendees)}))`, eq(users.is_active, true)),
			),
	] as const;

type Found = readonly { id: number }[];

/** Throws `invalid`, naming the field, for an environment of another project and for who is not here. */
export function assertReferences({ environment_id, attendees = [] }: References, environment: Found, people: Found) {
	assertEnvironment(environment_id, environment);
	const missing = attendees.findIndex((id) => !people.some((person) => person.id === id));
	if (missing !== -1) throw invalid(`attendees.${String(missing)}`, 'there is no such active user');
}

/** What was found is still there: for `expect`. */
export const stillReferred = (project_id: number, { environment_id, attendees = [] }: References): SQL[] => [
	...stillThere(project_id, environment_id),
	...(attendees.length === 0
		? []
		: [
				sql`(select count(*) from users where id in (select value from json_each(${JSON.stringify(attendees)}))) = ${attendees.length}`,
			]),
];
