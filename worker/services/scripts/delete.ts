import { eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { script_refs } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Removes a script that no job uses. Its bytes stay: a run under way may still need them. */
export async function deleteScript(ctx: Ctx, id: number, version: number): Promise<void> {
	const used = sql<number>`exists (select 1 from job_script_refs where script_id = ${id})`;
	const { actor, project, rows } = await enter(ctx, 'script.delete', ofRow('script', id), [
		ctx.db.select().from(script_refs).where(eq(script_refs.id, id)),
		ctx.db.select({ used }).from(sql`(select 1)`),
	]);
	const before = one(rows[0], 'script');
	await assertFresh(ctx, 'ScriptRef', before, version);
	assertWritable(project);
	if (rows[1][0]?.used) throw conflict('Jobs use this script: take it out of them first.');

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(script_refs, before), sql`not ${used}`],
		statements: [ctx.db.delete(script_refs).where(eq(script_refs.id, id))],
		audit: [
			{
				action: 'script.delete',
				object_type: 'ScriptRef',
				object_id: id,
				project_id,
				metadata: { name: before.name, sha256: before.sha256 },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'script', id, row: null }]));
}
