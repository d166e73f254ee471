import { eq, getTableColumns } from 'drizzle-orm';
import { accessOfRank } from '#domain/access.ts';
import { conflict, forbidden, notFound } from '#domain/errors.ts';
import type { Freeze } from '#domain/freeze.ts';
import { type Action, can } from '#domain/permissions.ts';
import { freezes, projects } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf, enter, type UserActor, userId } from '../gate.ts';
import { omit } from '../omit.ts';

/** Of the person, to the project of a freeze; one of all projects is everybody's to see. */
export const rankOfFreeze = (ctx: Ctx) => accessRankOf(userId(ctx), freezes.project_id.getSQL());

/** Enters for a freeze that exists: a project's as its people may, one of all projects as an admin, to read as anybody. */
export async function enterFreeze(
	ctx: Ctx,
	action: Extract<Action, `freeze.${'read' | 'update' | 'delete'}`>,
	id: number,
): Promise<{ actor: UserActor; freeze: Freeze; project_status: string | null }> {
	const { actor, rows } = await enter(
		ctx,
		action,
		null,
		[
			ctx.db
				.select({ ...getTableColumns(freezes), project_status: projects.status, rank: rankOfFreeze(ctx) })
				.from(freezes)
				.leftJoin(projects, eq(projects.id, freezes.project_id))
				.where(eq(freezes.id, id)),
		],
		([[row]], actor) => {
			if (!row || (row.project_id !== null && row.rank === 0)) throw notFound('freeze');
			if (row.project_id === null && action !== 'freeze.read') assertEverywhere(actor);
			return { access: accessOfRank(row.rank) };
		},
	);
	const [row] = rows[0];
	if (!row) throw notFound('freeze');
	const { project_status } = row;
	return { actor, freeze: omit(row, 'project_status', 'rank'), project_status };
}

export function assertEverywhere(actor: UserActor): void {
	const verdict = can(actor, 'freeze.everywhere');
	if (!verdict.allowed) throw forbidden(verdict.missing);
}

export function assertOpen(project_status: string | null): void {
	if (project_status === 'archived') throw conflict('The project is archived: it is read-only.');
}
