import { and, eq, sql } from 'drizzle-orm';
import { conflict, invalid } from '#domain/errors.ts';
import type { HandOver, IncidentView } from '#domain/incident.ts';
import { incidents, users } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, changesOf, edited, editEntry, one, unchanged } from '../edit.ts';
import { accessRankOf, enter, ofRow } from '../gate.ts';
import { tell } from '../incident_entries/tell.ts';
import { changesFor, viewOf } from './rows.ts';

/** Gives a role to somebody, or to nobody; who had it before stands in the timeline. */
export async function handOver(ctx: Ctx, id: number, { role, user_id }: HandOver): Promise<IncidentView> {
	const project_of = sql`(select project_id from incidents where id = ${id})`;
	const { actor, project, rows } = await enter(ctx, 'incident.hand_over', ofRow('incident', id), [
		ctx.db.select().from(incidents).where(eq(incidents.id, id)),
		ctx.db
			.select({ rank: accessRankOf(sql`${user_id}`, project_of) })
			.from(users)
			.where(and(eq(users.id, user_id ?? 0), eq(users.is_active, true))),
	]);
	const before = one(rows[0], 'incident');
	assertWritable(project);
	if (user_id !== null && (rows[1][0]?.rank ?? 0) === 0)
		throw invalid('user_id', 'there is no such active user with access to this project');
	if (before.status === 'closed') throw conflict('The incident is closed: reopen it to give its roles anew.');
	const column = `${role}_id` as const;
	const from = before[column];
	if (from === user_id) return viewOf(before);

	const { project_id } = before;
	const patch = { [column]: user_id };
	const [after, entries] = await commit(ctx, actor, {
		expect: [unchanged(incidents, before)],
		statements: [
			ctx.db
				.update(incidents)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(incidents.id, id), eq(incidents.version, before.version)))
				.returning(),
			tell(ctx, actor, id, { kind: 'role', ref: { type: 'role', role, from, to: user_id } }),
		],
		audit: [editEntry('incident.hand_over', 'Incident', before, project_id, changesOf(before, patch))],
	});
	const incident = one(after, 'incident');
	ctx.after(ctx.live.changed(changesFor(incident, entries)));
	return viewOf(incident);
}
