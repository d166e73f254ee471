import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { accessOfRank, type Access } from '#domain/access.ts';
import { DomainError, forbidden, notFound } from '#domain/errors.ts';
import { type Action, type Actor, can, type Subject } from '#domain/permissions.ts';
import type { Role } from '#domain/user.ts';
import { projects, sessions, users } from '../db/client.ts';
import type { Ctx } from './context.ts';

export type UserActor = Extract<Actor, { kind: 'user' }>;

/** Which project the work is in, as a subquery that gives its id; or none. */
export type Scope = { what: string; project: SQL } | null;

export const inProject = (id: number): Scope => ({ what: 'project', project: sql`${id}` });
export const ofRow = (what: keyof typeof tableOf, id: number): Scope => ({
	what,
	project: sql`(select project_id from ${sql.identifier(tableOf[what])} where id = ${id})`,
});
const tableOf = {
	job: 'jobs',
	run: 'runs',
	event: 'events',
	environment: 'environments',
	script: 'script_refs',
	incident: 'incidents',
	repository: 'git_repos',
	change: 'git_changes',
	inventory: 'inventories',
	'terraform plan': 'terraform_plans',
	cluster: 'clusters',
	'metric reference': 'metric_refs',
} as const;

/** The signed-in person's id, as SQL: from the session in the same statement, so that no round trip is spent on it. */
export function userId(ctx: Ctx): SQL {
	const c = ctx.credential;
	if (c.kind === 'session')
		return sql`(select s.user_id from ${sessions} s join ${users} u on u.id = s.user_id where s.token = ${c.token} and s.expires_at > ${ctx.now()} and u.is_active = 1)`;
	if (c.kind === 'actor' && c.actor.kind === 'user') return sql`${c.actor.id}`;
	return sql`null`;
}

/**
 * 1 `read` … 4 `manage`, 0 none: the person's access to the project in column `project`; admins manage everything.
 * Its tables have names of their own, or `project`, being `projects.id`, would mean the table in here.
 */
export const accessRankOf = (user: SQL, project: SQL): SQL<number> => sql<number>`(case
	when exists (select 1 from users person where person.id = ${user} and person.role = 'admin') then 4
	when exists (select 1 from projects owned where owned.id = ${project} and owned.owner_id = ${user}) then 4
	else coalesce((select max(case pg.access when 'read' then 1 when 'contribute' then 2 when 'operate' then 3 else 4 end)
		from project_groups pg join group_users gu on gu.group_id = pg.group_id
		where pg.project_id = ${project} and gu.user_id = ${user}), 0) end)`;

/** The ids of the projects the person may see, for `where project_id in …`. */
export const visibleProjects = (ctx: Ctx): SQL =>
	sql`(select p.id from projects p where ${accessRankOf(userId(ctx), sql`p.id`)} > 0)`;

export interface Entered<R> {
	actor: UserActor;
	/** In the scope's project; null without a scope. */
	access: Access | null;
	project: { id: number; status: 'active' | 'archived' | 'paused'; name: string } | null;
	rows: R;
}

type Rows<Q extends readonly BatchItem<'sqlite'>[]> = { [K in keyof Q]: Q[K]['_']['result'] };

/**
 * The one door of every verb: who asks, what they may reach and the rows they ask for, in one D1 batch. Throws `not_signed_in`,
 * `not_found` for what may not be seen, and `forbidden` (naming the right) for what may not be done.
 * `subject` may look at the loaded rows, for permissions that depend on them.
 */
export async function enter<const Q extends readonly BatchItem<'sqlite'>[]>(
	ctx: Ctx,
	action: Action,
	scope: Scope,
	queries: Q,
	subject?: (rows: Rows<Q>, actor: UserActor) => Subject,
): Promise<Entered<Rows<Q>>> {
	const who = userId(ctx);
	const results = await ctx.db.batch([
		ctx.db
			.select({ id: users.id, username: users.username, role: users.role })
			.from(users)
			.where(and(eq(users.id, who), eq(users.is_active, true))),
		ctx.db
			.select({
				id: projects.id,
				name: projects.name,
				status: projects.status,
				rank: accessRankOf(who, sql`projects.id`),
			})
			.from(projects)
			.where(eq(projects.id, scope?.project ?? sql`null`)),
		...queries,
	]);
	const [person] = results[0] as { id: number; username: string; role: Role }[];
	if (!person) throw new DomainError('not_signed_in', 'Sign in first.');
	const actor: UserActor = { kind: 'user', ...person };

	const [found] = results[1] as { id: number; name: string; status: 'active' | 'archived' | 'paused'; rank: number }[];
	const access = accessOfRank(found?.rank ?? 0);
	if (scope && access === null) throw notFound(scope.what);

	const rows = results.slice(2) as Rows<Q>;
	const verdict = can(actor, action, { access, ...subject?.(rows, actor) });
	if (!verdict.allowed) throw forbidden(verdict.missing);
	return {
		actor,
		access,
		project: scope && found ? { id: found.id, name: found.name, status: found.status } : null,
		rows,
	};
}
