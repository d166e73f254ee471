import { and, eq } from 'drizzle-orm';
import { hub_secrets } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';

/** Forgets a key. What names it fails from now on, and says so. */
export async function deleteHubSecret(ctx: Ctx, project_id: number, name: string): Promise<void> {
	const mine = and(eq(hub_secrets.project_id, project_id), eq(hub_secrets.name, name));
	const { actor, project, rows } = await enter(ctx, 'hub_secret.delete', inProject(project_id), [
		ctx.db.select({ id: hub_secrets.id }).from(hub_secrets).where(mine),
	]);
	const { id } = one(rows[0], 'key');
	assertWritable(project);
	await commit(ctx, actor, {
		expect: [writable(project_id)],
		statements: [ctx.db.delete(hub_secrets).where(mine)],
		audit: [{ action: 'hub_secret.delete', object_type: 'HubSecret', object_id: id, project_id, metadata: { name } }],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'hub_secret', id, row: null }]));
}
