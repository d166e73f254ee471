import { and, eq } from 'drizzle-orm';
import type { AlertSourceWithPath } from '#domain/alert.ts';
import { alert_sources } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, edited, one, unchanged, writable } from '../edit.ts';
import { hashOf, newSecret } from '../secrets.ts';
import { enterSource, pathOf, sourceColumns, tellSource } from './rows.ts';

/** Makes a new key, shown this once. The old one opens nothing more. */
export async function rotateAlertSource(ctx: Ctx, id: number): Promise<AlertSourceWithPath> {
	const { actor, project, source: before } = await enterSource(ctx, 'alert_source.rotate', id);
	assertWritable(project);
	const { project_id, name } = before;
	const key = newSecret();
	const [after] = await commit(ctx, actor, {
		expect: [writable(project_id), unchanged(alert_sources, before)],
		statements: [
			ctx.db
				.update(alert_sources)
				.set({ key_hash: await hashOf(key), ...edited(ctx, before) })
				.where(and(eq(alert_sources.id, id), eq(alert_sources.version, before.version)))
				.returning(sourceColumns),
		],
		audit: [
			{ action: 'alert_source.rotate', object_type: 'AlertSource', object_id: id, project_id, metadata: { name } },
		],
	});
	const source = one(after, 'alert source');
	tellSource(ctx, source);
	return { ...source, path: pathOf(source, key) };
}
