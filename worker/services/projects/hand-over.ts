import { and, eq } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import { permissions } from '#domain/permissions.ts';
import type { Project, ProjectHandOver } from '#domain/project.ts';
import { projects, users } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { changesOf, edited, editEntry, one, unchanged } from '../edit.ts';
import { enter, inProject } from '../gate.ts';

/** Gives a project another owner, also an archived one: who answers for it is no part of its work. The one before keeps what groups give. */
export async function handOverProject(ctx: Ctx, id: number, { owner_id }: ProjectHandOver): Promise<Project> {
	const { actor, rows } = await enter(ctx, 'project.hand_over', inProject(id), [
		ctx.db.select().from(projects).where(eq(projects.id, id)),
		ctx.db
			.select({ role: users.role })
			.from(users)
			.where(and(eq(users.id, owner_id), eq(users.is_active, true))),
	]);
	const before = one(rows[0], 'project');
	const [next] = rows[1];
	if (!next || permissions['project.create'][next.role] === 'no')
		throw invalid('owner_id', 'expected an active user whose role makes projects: admin or projets');
	if (before.owner_id === owner_id) return before;

	const patch = { owner_id };
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(projects, before)],
		statements: [
			ctx.db
				.update(projects)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(projects.id, id), eq(projects.version, before.version)))
				.returning(),
		],
		audit: [editEntry('project.hand_over', 'Project', before, id, changesOf(before, patch))],
	});
	const project = one(after, 'project');
	ctx.after(ctx.live.changed([{ project_id: id, entity: 'project', id, row: project }]));
	ctx.after(ctx.live.rightsChanged([{ project_id: id, user_id: before.owner_id }]));
	return project;
}
