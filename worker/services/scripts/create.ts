import type { ScriptCreate, ScriptRef } from '#domain/script.ts';
import { script_refs } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { storeContent } from './content.ts';

/** A script of a project: its content, or where it lies on the agents. */
export async function createScript(ctx: Ctx, project_id: number, input: ScriptCreate): Promise<ScriptRef> {
	const { actor, project } = await enter(ctx, 'script.create', inProject(project_id), []);
	assertWritable(project);
	const { tool, name, description, vault_secret_ref, location_type } = input;
	const where =
		input.location_type === 'uploaded'
			? await storeContent(ctx.store, project_id, new TextEncoder().encode(input.content))
			: { location: input.location };

	const [rows] = await commit(ctx, actor, {
		expect: [writable(project_id)],
		statements: [
			ctx.db
				.insert(script_refs)
				.values({ tool, name, description, vault_secret_ref, location_type, ...where, project_id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'script.create',
				object_type: 'ScriptRef',
				object_id: lastInserted('script_refs'),
				project_id,
				metadata: { name, ...where },
			},
		],
	});
	const script = one(rows, 'script');
	ctx.after(ctx.live.changed([{ project_id, entity: 'script', id: script.id, row: script }]));
	return script;
}
