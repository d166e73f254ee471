import { eq, sql } from 'drizzle-orm';
import { environments, job_signatures } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertNothingHangs, hangingOn } from '../hanging.ts';

/** Removes an environment that nothing refers to: what ran there keeps its place. */
export async function deleteEnvironment(ctx: Ctx, id: number, version: number): Promise<void> {
	const { counts, none } = hangingOn(environments, id);
	const { actor, project, rows } = await enter(ctx, 'environment.delete', ofRow('environment', id), [
		ctx.db.select().from(environments).where(eq(environments.id, id)),
		ctx.db.select({ counts }).from(sql`(select 1)`),
	]);
	const before = one(rows[0], 'environment');
	await assertFresh(ctx, 'Environment', before, version);
	assertWritable(project);
	assertNothingHangs('environment', rows[1][0]?.counts, 'It stays as long as they do.');

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(environments, before), none],
		statements: [
			ctx.db.delete(job_signatures).where(eq(job_signatures.environment_id, id)),
			ctx.db.delete(environments).where(eq(environments.id, id)),
		],
		audit: [
			{
				action: 'environment.delete',
				object_type: 'Environment',
				object_id: id,
				project_id,
				metadata: { name: before.name },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'environment', id, row: null }]));
}
