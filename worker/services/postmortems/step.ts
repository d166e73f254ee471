import { and, eq } from 'drizzle-orm';
import { conflict, DomainError, forbidden } from '#domain/errors.ts';
import { can } from '#domain/permissions.ts';
import { type PostMortem, type PostMortemStep, postMortemSteps } from '#domain/postmortem.ts';
import { postmortems } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx, RowChange } from '../context.ts';
import { assertWritable, changesOf, edited, editEntry, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { tell } from '../incident_entries/tell.ts';
import { changeFor, keepVersion, ofIncident } from './rows.ts';

/** Submits, publishes or withdraws a post-mortem; the document as it then is becomes a version. */
export async function stepPostMortem(ctx: Ctx, incident_id: number, step: PostMortemStep): Promise<PostMortem> {
	const { access, actor, project, rows } = await enter(ctx, `postmortem.${step}`, ofRow('incident', incident_id), [
		ofIncident(ctx, incident_id),
	]);
	const before = one(rows[0], 'post-mortem');
	assertWritable(project);
	const { from, to } = postMortemSteps[step];
	if (!from.includes(before.status))
		throw conflict(`The post-mortem is ${before.status}: ${step} is for one that is ${from.join(' or ')}.`);
	if (before.status === 'published') {
		const verdict = can(actor, 'postmortem.publish', { access });
		if (!verdict.allowed) throw forbidden(verdict.missing);
	}
	if (step === 'publish') assertWhole(before);

	const project_id = project?.id ?? null;
	const status = {
		status: to,
		published_at: to === 'published' ? new Date(ctx.now()).toISOString() : null,
	};
	const [after, , entries] = await commit(ctx, actor, {
		expect: [unchanged(postmortems, before)],
		statements: [
			ctx.db
				.update(postmortems)
				.set({ ...status, ...edited(ctx, before) })
				.where(and(eq(postmortems.id, before.id), eq(postmortems.version, before.version)))
				.returning(),
			keepVersion(ctx, actor, before.id, step, { ...before, ...status }),
			tell(ctx, actor, incident_id, { kind: 'status', ref: { type: 'postmortem', status: to } }),
		],
		audit: [editEntry(`postmortem.${step}`, 'PostMortem', before, project_id, changesOf(before, status))],
	});
	const postmortem = one(after, 'post-mortem');
	if (project_id !== null)
		ctx.after(
			ctx.live.changed([
				changeFor(project_id, postmortem),
				...entries.map((row): RowChange => ({ project_id, entity: 'incident_entry', id: row.id, row })),
			]),
		);
	return postmortem;
}

/** Nobody learns from a post-mortem that does not say what happened and whom it hurt. */
function assertWhole(postmortem: PostMortem): void {
	const errors = (['summary', 'impact'] as const).flatMap((path) =>
		postmortem[path].trim() === '' ? [{ path, message: 'must not be empty' }] : [],
	);
	if (errors.length > 0)
		throw new DomainError('conflict', 'A post-mortem is published with its summary and its impact.', { errors });
}
