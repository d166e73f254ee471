import { and, eq } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import type { PostMortem, PostMortemPatch } from '#domain/postmortem.ts';
import { postmortems } from '../../db/client.ts';
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
import { changeFor, dropSitting, keepVersion, ofIncident, withoutTexts } from './rows.ts';

/** Edits the sections. What is published says what it said: it is withdrawn first. */
export async function updatePostMortem(
	ctx: Ctx,
	incident_id: number,
	version: number,
	patch: PostMortemPatch,
): Promise<PostMortem> {
	const { actor, project, rows } = await enter(ctx, 'postmortem.update', ofRow('incident', incident_id), [
		ofIncident(ctx, incident_id),
	]);
	const before = one(rows[0], 'post-mortem');
	await assertFresh(ctx, 'PostMortem', before, version);
	assertWritable(project);
	if (before.status === 'published') throw conflict('The post-mortem is published: withdraw it to edit it.');
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;

	const project_id = project?.id ?? null;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(postmortems, before)],
		statements: [
			ctx.db
				.update(postmortems)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(postmortems.id, before.id), eq(postmortems.version, before.version)))
				.returning(),
			dropSitting(ctx, actor, before.id),
			keepVersion(ctx, actor, before.id, 'edit', { ...before, ...defined(patch) }),
		],
		audit: [editEntry('postmortem.update', 'PostMortem', before, project_id, withoutTexts(changes))],
	});
	const postmortem = one(after, 'post-mortem');
	if (project_id !== null) ctx.after(ctx.live.changed([changeFor(project_id, postmortem)]));
	return postmortem;
}
