import { and, eq } from 'drizzle-orm';
import { forbidden, invalid } from '#domain/errors.ts';
import type { EntryPatch, IncidentEntry } from '#domain/incident-entry.ts';
import { incident_entries } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, changesOf, edited, editEntry, isEmpty, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Pins, hides or rewords an entry. When it happened stays, and so do the words of the hub and of others. */
export async function updateEntry(
	ctx: Ctx,
	incident_id: number,
	id: number,
	version: number,
	patch: EntryPatch,
): Promise<IncidentEntry> {
	const { actor, project, rows } = await enter(ctx, 'incident_entry.update', ofRow('incident', incident_id), [
		ctx.db
			.select()
			.from(incident_entries)
			.where(and(eq(incident_entries.id, id), eq(incident_entries.incident_id, incident_id))),
	]);
	const before = one(rows[0], 'entry');
	await assertFresh(ctx, 'IncidentEntry', before, version);
	assertWritable(project);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;
	if ('body' in changes) {
		if (before.kind !== 'message' && before.kind !== 'note')
			throw invalid('body', "this entry is the hub's: it can be pinned or hidden");
		if (before.author_id !== actor.id) throw forbidden('the words of an entry are changed by who wrote it');
	}
	const project_id = project?.id ?? null;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(incident_entries, before)],
		statements: [
			ctx.db
				.update(incident_entries)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(incident_entries.id, id), eq(incident_entries.version, before.version)))
				.returning(),
		],
		audit: [editEntry('incident_entry.update', 'IncidentEntry', before, project_id, changes)],
	});
	const entry = one(after, 'entry');
	if (project_id !== null) ctx.after(ctx.live.changed([{ project_id, entity: 'incident_entry', id, row: entry }]));
	return entry;
}
