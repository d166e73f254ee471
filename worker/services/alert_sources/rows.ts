import { eq, getTableColumns, sql } from 'drizzle-orm';
import type { AlertSource } from '#domain/alert.ts';
import { invalid } from '#domain/errors.ts';
import type { Action } from '#domain/permissions.ts';
import { alert_sources } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { omit } from '../omit.ts';

/** What people see of one: never the hash of its key. */
export const sourceColumns = omit(getTableColumns(alert_sources), 'key_hash');

/** Under this path, below the hub's own address, a source sends. */
export const pathOf = (source: Pick<AlertSource, 'kind'>, key: string): string =>
	`/api/hooks/alerts/${source.kind}/${key}`;

export async function enterSource(ctx: Ctx, action: Extract<Action, `alert_source.${string}`>, id: number) {
	const { actor, project, rows } = await enter(ctx, action, ofRow('alert source', id), [
		ctx.db.select(sourceColumns).from(alert_sources).where(eq(alert_sources.id, id)),
	]);
	return { actor, project, source: one(rows[0], 'alert source') };
}

/** Throws `invalid` for a source that is to check what its kind never sends. */
export function assertSigns({ kind, secret_ref }: Pick<AlertSource, 'kind' | 'secret_ref'>): void {
	if (secret_ref !== null && kind !== 'grafana')
		throw invalid('secret_ref', 'is for Grafana: no other signs what it sends');
}

/** Open pages of the project learn that something changed, and ask for it where they may. */
export const tellSource = (ctx: Ctx, { id, project_id, version }: AlertSource, gone = false): void => {
	ctx.after(ctx.live.changed([{ project_id, entity: 'alert_source', id, row: gone ? null : { id, version } }]));
};

export const countOf = (ctx: Ctx, project_id: number) =>
	ctx.db
		.select({ count: sql<number>`count(*)` })
		.from(alert_sources)
		.where(eq(alert_sources.project_id, project_id));
