import { and, eq, sql } from 'drizzle-orm';
import type { GitChange, GitChangePatch } from '#domain/repo.ts';
import { git_changes } from '../../db/client.ts';
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
import { assertVerdict } from './verdict.ts';
import { assertReferences, stillThere, strayReference } from '../same-project.ts';

export async function updateChange(ctx: Ctx, id: number, version: number, patch: GitChangePatch): Promise<GitChange> {
	const refs = { job_id: patch.job_id, incident_id: patch.incident_id };
	const { actor, project, rows } = await enter(ctx, 'change.update', ofRow('change', id), [
		ctx.db.select().from(git_changes).where(eq(git_changes.id, id)),
		strayReference(ctx, sql`(select project_id from git_changes where id = ${id})`, refs),
	]);
	const before = one(rows[0], 'change');
	await assertFresh(ctx, 'GitChange', before, version);
	assertWritable(project);
	assertReferences(rows[1]);
	assertVerdict({ ...before, ...defined(patch) });
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;

	const { project_id } = before;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(git_changes, before), ...stillThere(project_id, refs)],
		statements: [
			ctx.db
				.update(git_changes)
				.set({ ...defined(patch), ...edited(ctx, before) })
				.where(and(eq(git_changes.id, id), eq(git_changes.version, before.version)))
				.returning(),
		],
		audit: [editEntry('change.update', 'GitChange', before, project_id, changes)],
	});
	const row = one(after, 'change');
	ctx.after(ctx.live.changed([{ project_id, entity: 'change', id, row }]));
	return row;
}
