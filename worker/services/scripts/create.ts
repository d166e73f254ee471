import { sql } from 'drizzle-orm';
import type { ScriptCreate, ScriptRef } from '#domain/script.ts';
import { script_refs } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertReferences, stillThere, strayReference } from '../same-project.ts';
import { storeContent } from './content.ts';

/** A script of a project: its content, or where it lies: on the agents, or in a repository. */
export async function createScript(ctx: Ctx, project_id: number, input: ScriptCreate): Promise<ScriptRef> {
	const refs = { repo_id: input.location_type === 'git' ? input.repo_id : null };
	const {
		actor,
		project,
		rows: found,
	} = await enter(ctx, 'script.create', inProject(project_id), [strayReference(ctx, sql`${project_id}`, refs)]);
	assertWritable(project);
	assertReferences(found[0]);
	const { tool, name, description, vault_secret_ref, location_type } = input;
	const where =
		input.location_type === 'uploaded'
			? await storeContent(ctx.store, project_id, new TextEncoder().encode(input.content))
			: input.location_type === 'git'
				? { location: input.location, repo_id: input.repo_id, revision: input.revision }
				: { location: input.location };

	const [rows] = await commit(ctx, actor, {
		expect: [writable(project_id), ...stillThere(project_id, refs)],
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
