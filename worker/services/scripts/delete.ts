import { eq, sql } from 'drizzle-orm';
import { script_refs } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertNothingHangs, hangingOn } from '../hanging.ts';

/** Removes a script that no job uses. Its bytes stay: a run under way may still need them. */
export async function deleteScript(ctx: Ctx, id: number, version: number): Promise<void> {
	const { counts, none } = hangingOn(script_refs, id);
	const { actor, project, rows } = await enter(ctx, 'script.delete', ofRow('script', id), [
		ctx.db.select().from(script_refs).where(eq(script_refs.id, id)),
		ctx.db.select({ counts }).from(sql`(select 1)`),
	]);
	const before = one(rows[0], 'script');
	await assertFresh(ctx, 'ScriptRef', before, version);
	assertWritable(project);
	assertNothingHangs('script', rows[1][0]?.counts, 'Take it out of them first.');

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(script_refs, before), none],
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
