import { asc, eq } from 'drizzle-orm';
import { ALERT_SOURCES_MAX, type AlertSource } from '#domain/alert.ts';
import { alert_sources } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { sourceColumns } from './rows.ts';

export async function listAlertSources(
	ctx: Ctx,
	project_id: number,
): Promise<{ items: AlertSource[]; next_cursor: null }> {
	const { rows } = await enter(ctx, 'alert_source.list', inProject(project_id), [
		ctx.db
			.select(sourceColumns)
			.from(alert_sources)
			.where(eq(alert_sources.project_id, project_id))
			.orderBy(asc(alert_sources.name))
			.limit(ALERT_SOURCES_MAX),
	]);
	return { items: rows[0], next_cursor: null };
}
