import { sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { type ActionItem, type ActionItemCreate, ACTIONS_MAX } from '#domain/postmortem.ts';
import { action_items } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { ofIncident } from '../postmortems/rows.ts';
import { assertOwner, ownerQuery, postmortemOf } from './rows.ts';

/** Something to be done, whatever the status of the post-mortem: people go on working when it is published. */
export async function createAction(ctx: Ctx, incident_id: number, input: ActionItemCreate): Promise<ActionItem> {
	const taken = sql<number>`(select count(*) from action_items where postmortem_id = ${postmortemOf(incident_id)})`;
	const { actor, project, rows } = await enter(ctx, 'action_item.create', ofRow('incident', incident_id), [
		ofIncident(ctx, incident_id),
		ownerQuery(ctx, input.owner_id),
		ctx.db.select({ taken }).from(sql`(select 1)`),
	]);
	const { id: postmortem_id } = one(rows[0], 'post-mortem');
	assertWritable(project);
	assertOwner(input.owner_id, rows[1]);
	if ((rows[2][0]?.taken ?? 0) >= ACTIONS_MAX)
		throw conflict(`A post-mortem has at most ${String(ACTIONS_MAX)} actions.`);

	const project_id = project?.id ?? null;
	const [made] = await commit(ctx, actor, {
		statements: [
			ctx.db
				.insert(action_items)
				.values({ ...input, postmortem_id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'action_item.create',
				object_type: 'ActionItem',
				object_id: lastInserted('action_items'),
				project_id,
				metadata: { incident_id, title: input.title, owner_id: input.owner_id },
			},
		],
	});
	const action = one(made, 'action');
	if (project_id !== null)
		ctx.after(ctx.live.changed([{ project_id, entity: 'action_item', id: action.id, row: action }]));
	return action;
}
