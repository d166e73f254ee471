import { eq } from 'drizzle-orm';
import { alert_sources } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, unchanged } from '../edit.ts';
import { enterSource, tellSource } from './rows.ts';

/** Takes a source away: its key opens nothing more. The incidents it opened stay. */
export async function deleteAlertSource(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, project, source } = await enterSource(ctx, 'alert_source.delete', id);
	await assertFresh(ctx, 'AlertSource', source, version);
	assertWritable(project);
	const { project_id, name, kind } = source;
	await commit(ctx, actor, {
		expect: [unchanged(alert_sources, source)],
		statements: [ctx.db.delete(alert_sources).where(eq(alert_sources.id, id))],
		audit: [
			{
				action: 'alert_source.delete',
				object_type: 'AlertSource',
				object_id: id,
				project_id,
				metadata: { name, kind },
			},
		],
	});
	tellSource(ctx, source, true);
}
