import { sql } from 'drizzle-orm';
import { ALERT_SOURCES_MAX, type AlertSourceCreate, type AlertSourceWithPath } from '#domain/alert.ts';
import { conflict } from '#domain/errors.ts';
import { alert_sources } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertEnvironment, environmentQuery, stillThere } from '../incidents/references.ts';
import { hashOf, newSecret } from '../secrets.ts';
import { assertSigns, countOf, pathOf, sourceColumns, tellSource } from './rows.ts';

/** A place where alerts come in. What opens it is shown this once. */
export async function createAlertSource(
	ctx: Ctx,
	project_id: number,
	input: AlertSourceCreate,
): Promise<AlertSourceWithPath> {
	const { actor, project, rows } = await enter(ctx, 'alert_source.create', inProject(project_id), [
		environmentQuery(ctx, sql`${project_id}`, input.environment_id),
		countOf(ctx, project_id),
	]);
	assertWritable(project);
	assertSigns(input);
	assertEnvironment(input.environment_id, rows[0]);
	if ((rows[1][0]?.count ?? 0) >= ALERT_SOURCES_MAX)
		throw conflict(`A project has at most ${String(ALERT_SOURCES_MAX)} alert sources.`);
	const key = newSecret();
	const [made] = await commit(ctx, actor, {
		expect: [writable(project_id), ...stillThere(project_id, input.environment_id)],
		statements: [
			ctx.db
				.insert(alert_sources)
				.values({ ...input, project_id, key_hash: await hashOf(key), ...created(ctx) })
				.returning(sourceColumns),
		],
		audit: [
			{
				action: 'alert_source.create',
				object_type: 'AlertSource',
				object_id: lastInserted('alert_sources'),
				project_id,
				metadata: { ...input },
			},
		],
	});
	const source = one(made, 'alert source');
	tellSource(ctx, source);
	return { ...source, path: pathOf(source, key) };
}
