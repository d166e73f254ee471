import { type Enrolment, ENROLMENT_TTL_MS, type EnrolmentCreate } from '#domain/agent.ts';
import type { Actor } from '#domain/permissions.ts';
import { enrolments } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { enter } from '../gate.ts';
import { hashOf, newSecret } from '../secrets.ts';
import { assertProjects, namedProjects } from './projects.ts';

/** A token that enrols one agent within the hour. It is shown this once: the hub keeps its hash. */
export async function enrolAgent(ctx: Ctx, input: EnrolmentCreate): Promise<Enrolment> {
	const { actor, rows } = await enter(ctx, 'agent.enrol', null, [namedProjects(ctx, input.project_ids)]);
	assertProjects(input.project_ids, rows[0]);
	return issueEnrolment(ctx, actor, input, false);
}

/** Writes the token's row. `confirmed`: nobody need compare the fingerprint of the agent that uses it. */
export async function issueEnrolment(
	ctx: Ctx,
	actor: Actor,
	{ project_ids, labels }: EnrolmentCreate,
	confirmed: boolean,
): Promise<Enrolment> {
	const token = newSecret('uhe_');
	const expires_at = new Date(ctx.now() + ENROLMENT_TTL_MS).toISOString();
	const [rows] = await commit(ctx, actor, {
		statements: [
			ctx.db
				.insert(enrolments)
				.values({
					token_hash: await hashOf(token),
					created_by_id: actor.kind === 'user' ? actor.id : null,
					project_ids: project_ids && [...new Set(project_ids)],
					labels,
					confirmed,
					expires_at,
					...created(ctx),
				})
				.returning({ id: enrolments.id }),
		],
		audit: [
			{
				action: 'agent.enrol',
				object_type: 'Enrolment',
				object_id: lastInserted('enrolments'),
				project_id: null,
				metadata: { project_ids, labels },
			},
		],
	});
	return { id: one(rows, 'enrolment').id, token, expires_at };
}
