import { eq } from 'drizzle-orm';
import type { ProjectView } from '#domain/project.ts';
import { projects } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, inProject } from '../gate.ts';

export async function readProject(ctx: Ctx, id: number): Promise<ProjectView> {
	const { access, rows } = await enter(ctx, 'project.read', inProject(id), [
		ctx.db.select().from(projects).where(eq(projects.id, id)),
	]);
	return { ...one(rows[0], 'project'), access: access ?? 'read' };
}
