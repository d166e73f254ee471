import { and, eq } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import type { IncidentLinkView, LinkPatch } from '#domain/incident-link.ts';
import { incident_links } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx, RowChange } from '../context.ts';
import { assertFresh, assertWritable, changesOf, edited, editEntry, isEmpty, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { tell } from '../incident_entries/tell.ts';
import { entryKindOf, linksQuery, refOf } from './rows.ts';

/** Says otherwise what a job has to do with an incident. */
export async function updateLink(
	ctx: Ctx,
	incident_id: number,
	id: number,
	version: number,
	patch: LinkPatch,
): Promise<IncidentLinkView> {
	const { actor, project, rows } = await enter(ctx, 'incident_link.update', ofRow('incident', incident_id), [
		linksQuery(ctx).where(and(eq(incident_links.id, id), eq(incident_links.incident_id, incident_id))),
	]);
	const before: IncidentLinkView = one(rows[0], 'link');
	const { title, status, ...row } = before;
	await assertFresh(ctx, 'IncidentLink', row, version);
	assertWritable(project);
	if (before.kind !== 'job') throw invalid('role', 'is for jobs only');
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;

	const project_id = project?.id ?? null;
	const [after, entries] = await commit(ctx, actor, {
		expect: [unchanged(incident_links, before)],
		statements: [
			ctx.db
				.update(incident_links)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(incident_links.id, id), eq(incident_links.version, before.version)))
				.returning(),
			tell(ctx, actor, incident_id, { kind: entryKindOf[before.kind], ref: refOf('changed', { ...before, ...patch }) }),
		],
		audit: [editEntry('incident_link.update', 'IncidentLink', before, project_id, changes)],
	});
	const link: IncidentLinkView = { ...one(after, 'link'), title, status };
	if (project_id !== null)
		ctx.after(
			ctx.live.changed([
				{ project_id, entity: 'incident_link', id, row: link },
				...entries.map((entry): RowChange => ({ project_id, entity: 'incident_entry', id: entry.id, row: entry })),
			]),
		);
	return link;
}
