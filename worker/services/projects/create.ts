import { backendConfig } from '#domain/backend.ts';
import { DomainError } from '#domain/errors.ts';
import type { Project, ProjectCreate, ProjectView } from '#domain/project.ts';
import { projects } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { enter } from '../gate.ts';

/** A new project, owned by the one who makes it. */
export async function createProject(ctx: Ctx, input: ProjectCreate): Promise<ProjectView> {
	const { actor } = await enter(ctx, 'project.create', null, []);
	assertBackend(input);
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

/** The backend's configuration is strictly of its schema. */
export function assertBackend(project: Pick<Project, 'execution_backend' | 'execution_backend_config'>): void {
	if (project.execution_backend_config === null) return;
	const result = backendConfig(project.execution_backend).safeParse(project.execution_backend_config);
	if (!result.success)
		throw new DomainError('invalid', 'The request is not valid.', {
			errors: result.error.issues.map(({ path, message }) => ({
				path: ['execution_backend_config', ...path.map(String)].join('.'),
				message,
			})),
		});
}
