import { and, eq, sql } from 'drizzle-orm';
import type { AlertSource, AlertSourcePatch } from '#domain/alert.ts';
import { alert_sources } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import {
	assertFresh,
	assertWritable,
	changesOf,
	defined,
	edited,
	editEntry,
	isEmpty,
	one,
	unchanged,
	writable,
} from '../edit.ts';
import { assertEnvironment, environmentQuery, stillThere } from '../incidents/references.ts';
import { assertSigns, enterSource, sourceColumns, tellSource } from './rows.ts';

/** Edits how alerts are taken from now on. Its address stays, and so do the incidents it opened. */
export async function updateAlertSource(
	ctx: Ctx,
	id: number,
	version: number,
	patch: AlertSourcePatch,
): Promise<AlertSource> {
	const { actor, project, source: before } = await enterSource(ctx, 'alert_source.update', id);
	await assertFresh(ctx, 'AlertSource', before, version);
	assertWritable(project);
	assertSigns({ ...before, ...defined(patch) });
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;
	const { project_id } = before;
	if (patch.environment_id)
		assertEnvironment(patch.environment_id, await environmentQuery(ctx, sql`${project_id}`, patch.environment_id));

	const [after] = await commit(ctx, actor, {
		expect: [writable(project_id), unchanged(alert_sources, before), ...stillThere(project_id, patch.environment_id)],
		statements: [
			ctx.db
				.update(alert_sources)
				.set({ ...defined(patch), ...edited(ctx, before) })
				.where(and(eq(alert_sources.id, id), eq(alert_sources.version, before.version)))
				.returning(sourceColumns),
		],
		audit: [editEntry('alert_source.update', 'AlertSource', before, project_id, changes)],
	});
	const source = one(after, 'alert source');
	tellSource(ctx, source);
	return source;
}
