import { sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import type { PostMortem, PostMortemCreate } from '#domain/postmortem.ts';
import { postmortems } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx, RowChange } from '../context.ts';
import { assertWritable, created, one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { tell } from '../incident_entries/tell.ts';
import { changeFor, keepVersion, ofIncident } from './rows.ts';

/** Begins an incident's post-mortem. There is one. */
export async function createPostMortem(ctx: Ctx, incident_id: number, input: PostMortemCreate): Promise<PostMortem> {
	const { actor, project, rows } = await enter(ctx, 'postmortem.create', ofRow('incident', incident_id), [
		ofIncident(ctx, incident_id),
	]);
	assertWritable(project);
	if (rows[0].length > 0) throw conflict('This incident has a post-mortem already.');
	const project_id = project?.id ?? null;
	const [made, , entries] = await commit(ctx, actor, {
		expect: [
			sql`exists (select 1 from incidents where id = ${incident_id})`,
			sql`not exists (select 1 from postmortems where incident_id = ${incident_id})`,
		],
		statements: [
			ctx.db
				.insert(postmortems)
				.values({ ...input, incident_id, created_by_id: actor.id, ...created(ctx) })
				.returning(),
			keepVersion(ctx, actor, sql<number>`${lastInserted('postmortems')}`, 'created', { ...input, status: 'draft' }),
			tell(ctx, actor, incident_id, { kind: 'status', ref: { type: 'postmortem', status: 'draft' } }),
		],
		audit: [
			{
				action: 'postmortem.create',
				object_type: 'PostMortem',
				object_id: lastInserted('postmortems'),
				project_id,
				metadata: { incident_id },
			},
		],
	});
	const postmortem = one(made, 'post-mortem');
	if (project_id !== null)
		ctx.after(
			ctx.live.changed([
				changeFor(project_id, postmortem),
				...entries.map((row): RowChange => ({ project_id, entity: 'incident_entry', id: row.id, row })),
			]),
		);
	return postmortem;
}
