import { defaultProtection, type Environment, type EnvironmentCreate } from '#domain/environment.ts';
import { environments } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertBackend } from '../projects/backend.ts';

export async function createEnvironment(ctx: Ctx, project_id: number, input: EnvironmentCreate): Promise<Environment> {
	const { actor, project } = await enter(ctx, 'environment.create', inProject(project_id), []);
	assertWritable(project);
	assertBackend(ctx, input);
	const [rows] = await commit(ctx, actor, {
		expect: [writable(project_id)],
		statements: [
			ctx.db
				.insert(environments)
				.values({
					...input,
					protection: input.protection ?? defaultProtection(input.type),
					project_id,
					...created(ctx),
				})
				.returning(),
		],
		audit: [
			{
				action: 'environment.create',
				object_type: 'Environment',
				object_id: lastInserted('environments'),
				project_id,
				metadata: { name: input.name, type: input.type },
			},
		],
	});
	const environment = one(rows, 'environment');
	ctx.after(ctx.live.changed([{ project_id, entity: 'environment', id: environment.id, row: environment }]));
	return environment;
}
