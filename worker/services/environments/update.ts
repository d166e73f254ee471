import { and, eq } from 'drizzle-orm';
import type { Environment, EnvironmentPatch } from '#domain/environment.ts';
import { environments } from '../../db/client.ts';
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
} from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertBackend } from '../projects/backend.ts';

export async function updateEnvironment(
	ctx: Ctx,
	id: number,
	version: number,
	patch: EnvironmentPatch,
): Promise<Environment> {
	const { actor, project, rows } = await enter(ctx, 'environment.update', ofRow('environment', id), [
		ctx.db.select().from(environments).where(eq(environments.id, id)),
	]);
	const before = one(rows[0], 'environment');
	await assertFresh(ctx, 'Environment', before, version);
	assertWritable(project);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;
	assertBackend(ctx, { ...before, ...defined(patch) });

	const { project_id } = before;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(environments, before)],
		statements: [
			ctx.db
				.update(environments)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(environments.id, id), eq(environments.version, before.version)))
				.returning(),
		],
		audit: [editEntry('environment.update', 'Environment', before, project_id, changes)],
	});
	const environment = one(after, 'environment');
	ctx.after(ctx.live.changed([{ project_id, entity: 'environment', id, row: environment }]));
	return environment;
}
