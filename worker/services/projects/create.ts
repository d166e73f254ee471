import type { ProjectCreate, ProjectView } from '#domain/project.ts';
import { projects } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { enter } from '../gate.ts';
import { assertBackend } from './backend.ts';

/** A new project, owned by the one who makes it. */
export async function createProject(ctx: Ctx, input: ProjectCreate): Promise<ProjectView> {
	const { actor } = await enter(ctx, 'project.create', null, []);
	assertBackend(ctx, input);
	const [rows] = await commit(ctx, actor, {
		statements: [
			ctx.db
				.insert(projects)
				.values({ ...input, owner_id: actor.id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'project.create',
				object_type: 'Project',
				object_id: lastInserted('projects'),
				project_id: null,
				metadata: { name: input.name },
			},
		],
	});
	return { ...one(rows, 'project'), access: 'manage' };
}
