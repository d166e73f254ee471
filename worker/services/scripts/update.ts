import { and, eq, sql } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import type { ScriptPatch, ScriptRef } from '#domain/script.ts';
import { script_refs } from '../../db/client.ts';
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
import { assertReferences, stillThere, strayReference } from '../same-project.ts';
import { storeContent } from './content.ts';

/**
 * Edits a script. New content gets a place of its own; runs under way keep theirs. `version` null: whatever it is now, for
 * the upload of raw bytes, which need not have read the row.
 */
export async function updateScript(
	ctx: Ctx,
	id: number,
	version: number | null,
	{ content, location, ...patch }: Omit<ScriptPatch, 'content'> & { content?: string | Uint8Array | undefined },
): Promise<ScriptRef> {
	const refs = { repo_id: patch.repo_id };
	const { actor, project, rows } = await enter(ctx, 'script.update', ofRow('script', id), [
		ctx.db.select().from(script_refs).where(eq(script_refs.id, id)),
		strayReference(ctx, sql`(select project_id from script_refs where id = ${id})`, refs),
	]);
	const before = one(rows[0], 'script');
	if (version !== null) await assertFresh(ctx, 'ScriptRef', before, version);
	assertWritable(project);
	assertReferences(rows[1]);
	if (content !== undefined && before.location_type !== 'uploaded')
		throw invalid('content', 'this script lies elsewhere: it has no content here');
	if (location !== undefined && before.location_type === 'uploaded')
		throw invalid('location', 'the place of an uploaded script is the hub’s own');

	for (const field of ['repo_id', 'revision'] as const)
		if (patch[field] !== undefined && before.location_type !== 'git')
			throw invalid(field, 'is of a script in a repository');

	const { project_id } = before;
	const set: Partial<ScriptRef> = {
		...defined(patch),
		...(location !== undefined && { location }),
		...(content !== undefined &&
			(await storeContent(
				ctx.store,
				project_id,
				typeof content === 'string' ? new TextEncoder().encode(content) : content,
			))),
	};
	const changes = changesOf(before, set);
	if (isEmpty(changes)) return before;

	const [after] = await commit(ctx, actor, {
		expect: [unchanged(script_refs, before), ...stillThere(project_id, refs)],
		statements: [
			ctx.db
				.update(script_refs)
				.set({ ...set, ...edited(ctx, before) })
				.where(and(eq(script_refs.id, id), eq(script_refs.version, before.version)))
				.returning(),
		],
		audit: [editEntry('script.update', 'ScriptRef', before, project_id, changes)],
	});
	const script = one(after, 'script');
	ctx.after(ctx.live.changed([{ project_id, entity: 'script', id, row: script }]));
	return script;
}
