import { eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { environments } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Removes an environment that nothing refers to: what ran there keeps its place. */
export async function deleteEnvironment(ctx: Ctx, id: number, version: number): Promise<void> {
	const used = sql<number>`(exists (select 1 from jobs where environment_id = ${id}) or exists (select 1 from runs where environment_id = ${id})
		or exists (select 1 from incidents where environment_id = ${id}) or exists (select 1 from clusters where environment_id = ${id}))`;
	const { actor, project, rows } = await enter(ctx, 'environment.delete', ofRow('environment', id), [
		ctx.db.select().from(environments).where(eq(environments.id, id)),
		ctx.db.select({ used }).from(sql`(select 1)`),
	]);
	const before = one(rows[0], 'environment');
	await assertFresh(ctx, 'Environment', before, version);
	assertWritable(project);
	if (rows[1][0]?.used) throw conflict('Jobs, runs, incidents or clusters refer to this environment: it stays.');

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(environments, before), sql`not ${used}`],
		statements: [ctx.db.delete(environments).where(eq(environments.id, id))],
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
