import { and, eq, sql } from 'drizzle-orm';
import { DomainError, invalid } from '#domain/errors.ts';
import { type Freeze, type FreezePatch, windowError } from '#domain/freeze.ts';
import { freezes } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, changesOf, defined, edited, editEntry, isEmpty, one, unchanged, writable } from '../edit.ts';
import { assertEnvironment, environmentQuery, stillThere } from '../incidents/references.ts';
import { assertSeries, recursUntil } from '../series.ts';
import { assertOpen, enterFreeze } from './rows.ts';
import { tellFreeze } from './tell.ts';

export async function updateFreeze(ctx: Ctx, id: number, version: number, patch: FreezePatch): Promise<Freeze> {
	const { actor, freeze: before, project_status } = await enterFreeze(ctx, 'freeze.update', id);
	await assertFresh(ctx, 'Freeze', before, version);
	assertOpen(project_status);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;
	const next = { ...before, ...defined(patch) };
	const wrong = windowError(next);
	if (wrong)
		throw new DomainError('invalid', 'The request is not valid.', {
			errors: [{ path: 'end', message: wrong.message }],
		});
	assertSeries(next);
	const { project_id } = before;
	if (patch.environment_id) {
		if (project_id === null) throw invalid('environment_id', 'is of a project, and this freeze is of all');
		assertEnvironment(patch.environment_id, await environmentQuery(ctx, sql`${project_id}`, patch.environment_id));
	}

	const [after] = await commit(ctx, actor, {
		expect: [
			unchanged(freezes, before),
			...(project_id === null ? [] : [writable(project_id), ...stillThere(project_id, patch.environment_id)]),
		],
		statements: [
			ctx.db
				.update(freezes)
				.set({ ...patch, recurs_until: recursUntil(next), ...edited(ctx, before) })
				.where(and(eq(freezes.id, id), eq(freezes.version, before.version)))
				.returning(),
		],
		audit: [editEntry('freeze.update', 'Freeze', before, project_id, changes)],
	});
	const freeze = one(after, 'freeze');
	tellFreeze(ctx, project_id, id, freeze);
	return freeze;
}
