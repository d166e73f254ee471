import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import { type PostMortemVersion, type PostMortemVersionItem, sectionNames } from '#domain/postmortem.ts';
import { postmortem_versions } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { keyset, type Page, sortBy } from '../list.ts';
import { omit } from '../omit.ts';

const { limit, cursor } = ListQuery;
export const VersionList = z.strictObject({ limit, cursor, sort: sortBy(['number'], '-number') });

const columns = omit(getTableColumns(postmortem_versions), ...sectionNames);
const of = (incident_id: number) =>
	eq(postmortem_versions.postmortem_id, sql`(select id from postmortems where incident_id = ${incident_id})`);

/** What was kept of a post-mortem, without the texts. */
export async function listVersions(
	ctx: Ctx,
	incident_id: number,
	query: z.infer<typeof VersionList>,
): Promise<Page<PostMortemVersionItem>> {
	const { limit, orderBy, page, where } = keyset(query, { number: postmortem_versions.number }, postmortem_versions.id);
	const { rows } = await enter(ctx, 'postmortem.read', ofRow('incident', incident_id), [
		ctx.db
			.select(columns)
			.from(postmortem_versions)
			.where(and(of(incident_id), where))
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}

export async function readVersion(ctx: Ctx, incident_id: number, number: number): Promise<PostMortemVersion> {
	const { rows } = await enter(ctx, 'postmortem.read', ofRow('incident', incident_id), [
		ctx.db
			.select()
			.from(postmortem_versions)
			.where(and(of(incident_id), eq(postmortem_versions.number, number))),
	]);
	return one(rows[0], 'version');
}
