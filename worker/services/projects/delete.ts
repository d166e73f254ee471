import { eq, sql } from 'drizzle-orm';
import { alert_sources, environments, freezes, hub_secrets, projects, webhooks } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, one, unchanged } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertNothingHangs, hangingOn } from '../hanging.ts';

/** How it was set up. Whatever else names a project keeps it. */
const goesAlong = ['environments', 'webhooks', 'hub_secrets', 'alert_sources'];

/** Removes a project in which nothing has happened yet, with its settings. One with a past is archived instead. */
export async function deleteProject(ctx: Ctx, id: number, version: number): Promise<void> {
	const agents = sql`(select count(*) from agents a, json_each(a.project_ids) p where p.value = ${id} and a.status <> 'revoked')`;
	const { counts, none } = hangingOn(projects, id, { goesAlong, also: { agents } });
	const { actor, rows } = await enter(ctx, 'project.delete', inProject(id), [
		ctx.db.select().from(projects).where(eq(projects.id, id)),
		ctx.db.select({ counts }).from(sql`(select 1)`),
	]);
	const before = one(rows[0], 'project');
	await assertFresh(ctx, 'Project', before, version);
	assertNothingHangs('project', rows[1][0]?.counts, 'Archive it instead.');

	await commit(ctx, actor, {
		expect: [unchanged(projects, before), none],
		statements: [
			ctx.db.delete(freezes).where(eq(freezes.project_id, id)),
			ctx.db.delete(webhooks).where(eq(webhooks.project_id, id)),
			ctx.db.delete(hub_secrets).where(eq(hub_secrets.project_id, id)),
			ctx.db.delete(alert_sources).where(eq(alert_sources.project_id, id)),
			ctx.db.delete(environments).where(eq(environments.project_id, id)),
			ctx.db.delete(projects).where(eq(projects.id, id)),
		],
		audit: [
			{
				action: 'project.delete',
				object_type: 'Project',
				object_id: id,
				project_id: id,
				metadata: { name: before.name },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id: id, entity: 'project', id, row: null }]));
}
