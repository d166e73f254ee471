import { and, eq } from 'drizzle-orm';
import type { ProjectPatch, ProjectView } from '#domain/project.ts';
import { projects } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import {
	assertFresh,
	assertWritable,
	changesOf,
	defined,
	edited,
	editEntry,
	isEmpty,
	one,
	unchanged,
} from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertBackend } from './backend.ts';

/** Edits a project. Of an archived one only the status can change: that opens it again. */
export async function updateProject(ctx: Ctx, id: number, version: number, patch: ProjectPatch): Promise<ProjectView> {
	const { access, actor, rows } = await enter(ctx, 'project.update', inProject(id), [
		ctx.db.select().from(projects).where(eq(projects.id, id)),
	]);
	const before = one(rows[0], 'project');
	await assertFresh(ctx, 'Project', before, version);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return { ...before, access: access ?? 'read' };
	if (patch.status === undefined || patch.status === 'archived') assertWritable(before);
	assertBackend(ctx, { ...before, ...defined(patch) });

	const [after] = await commit(ctx, actor, {
		expect: [unchanged(projects, before)],
		statements: [
			ctx.db
				.update(projects)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(projects.id, id), eq(projects.version, before.version)))
				.returning(),
		],
		audit: [editEntry('project.update', 'Project', before, id, changes)],
	});
	const project = one(after, 'project');
	ctx.after(ctx.live.changed([{ project_id: id, entity: 'project', id, row: project }]));
	return { ...project, access: access ?? 'read' };
}
