import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { z } from 'zod';
import { accessOfRank, type Access } from '#domain/access.ts';
import { Id } from '#domain/common.ts';
import { forbidden, notFound } from '#domain/errors.ts';
import { type Action, type Actor, can, type Subject } from '#domain/permissions.ts';
import { ProjectStatus } from '#domain/project.ts';
import { TokenScope } from '#domain/token.ts';
import { api_tokens, sessions, users } from '../db/client.ts';
import { flat } from '../db/flat.ts';
import { bound } from '../db/planned.ts';
import type { Ctx } from './context.ts';
import { noteUse, notSignedIn } from './tokens/use.ts';

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
	'alert source': 'alert_sources',
} as const;

/** The signed-in person's id, as SQL: from the session in the same statement, so that no round trip is spent on it. */
export function userId(ctx: Ctx): SQL {
	const c = ctx.credential;
	if (c.kind === 'session' || c.kind === 'token') {
		const { table, hash } = proofs[c.kind];
		return sql`(select proof.user_id from ${table} proof join users person on person.id = proof.user_id
			where proof.${sql.identifier(hash)} = ${bound(c.hash)} and proof.expires_at > ${ctx.now()} and person.is_active = 1)`;
	}
	if (c.kind === 'actor' && c.actor.kind === 'user') return sql`${c.actor.id}`;
	return sql`null`;
}

const proofs = {
	session: { table: sessions, hash: 'token_hash' },
	token: { table: api_tokens, hash: 'hash' },
} as const;

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

/** The one who asks is an admin, and asks as one: with a session, or a token for that. */
export const asAdmin = (ctx: Ctx): SQL =>
	sql`exists (select 1 from users person where person.id = ${userId(ctx)} and person.role = 'admin'
		${ctx.credential.kind === 'token' ? sql`and exists (select 1 from ${api_tokens} proof, json_each(proof.scopes) scope where proof.hash = ${ctx.credential.hash} and scope.value = 'admin')` : sql``})`;

export interface Entered<R> {
	actor: UserActor;
	/** In the scope's project; null without a scope. */
	access: Access | null;
	project: z.infer<typeof Project> | null;
	rows: R;
}

type Rows<Q extends readonly BatchItem<'sqlite'>[]> = { [K in keyof Q]: Q[K]['_']['result'] };

const rankOfEntrant = flat(accessRankOf(sql`users.id`, sql`projects.id`));

/** Who asks, with which token, and the project they ask in with their access to it, as one row; none when nobody is signed in. */
function entrance(ctx: Ctx, scope: Scope) {
	const c = ctx.credential;
	return ctx.db
		.select({
			id: users.id,
			username: users.username,
			role: users.role,
			token: (c.kind === 'token'
				? sql<string>`(select json_object('id', id, 'scopes', json(scopes), 'last_used_at', last_used_at) from ${api_tokens} where hash = ${c.hash})`
				: sql<null>`null`
			)
				.mapWith((text: string) => Token.parse(JSON.parse(text)))
				.as('token'),
			project: (scope === null
				? sql<null>`null`
				: sql<string>`(select json_object('id', id, 'name', name, 'status', status, 'rank', ${rankOfEntrant})
					from projects where id = ${scope.project})`
			)
				.mapWith((text: string) => Project.parse(JSON.parse(text)))
				.as('project'),
		})
		.from(users)
		.where(and(sql`${users.id} = ${userId(ctx)}`, eq(users.is_active, true)));
}

const Token = z.object({ id: Id, scopes: z.array(TokenScope), last_used_at: z.int().nullable() });
const Project = z.object({ id: Id, name: z.string(), status: ProjectStatus, rank: z.int() });

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
	const [[found], ...rest] = await ctx.db.batch([entrance(ctx, scope), ...queries]);
	if (!found) throw await notSignedIn(ctx);
	const { id, username, role, token, project } = found;
	const actor: UserActor = { kind: 'user', id, username, role, ...(token && { token }) };
	if (token) noteUse(ctx, id, token);

	const access = accessOfRank(project?.rank ?? 0);
	if (scope && access === null) throw notFound(scope.what);

	const rows = rest as unknown as Rows<Q>;
	const verdict = can(actor, action, { access, ...subject?.(rows, actor) });
	if (!verdict.allowed) throw forbidden(verdict.missing);
	return { actor, access, project, rows };
}
