import { and, eq, getTableColumns, gt, sql, type SQL } from 'drizzle-orm';
import {
	type PostMortem,
	PostMortemHead,
	type PostMortemStatus,
	sectionNames,
	type Sections,
} from '#domain/postmortem.ts';
import type { VersionReason } from '#domain/postmortem.ts';
import { postmortem_versions, postmortems } from '../../db/client.ts';
import type { Ctx, RowChange } from '../context.ts';
import type { Changes } from '../edit.ts';
import type { UserActor } from '../gate.ts';
import { omit } from '../omit.ts';

/** One person's edits within this time of each other are one version. */
const ONE_SITTING_MS = 10 * 60_000;

export const ofIncident = (ctx: Ctx, incident_id: number) =>
	ctx.db.select().from(postmortems).where(eq(postmortems.incident_id, incident_id));

/** Without its texts. */
export const headOf = (ctx: Ctx, incident_id: number) =>
	ctx.db.select(head).from(postmortems).where(eq(postmortems.incident_id, incident_id));

const head = omit(getTableColumns(postmortems), ...sectionNames);

/** The texts can be long, so pages are told that they changed, and fetch them. */
export const changeFor = (project_id: number, row: PostMortem): RowChange => ({
	project_id,
	entity: 'postmortem',
	id: row.id,
	row: PostMortemHead.parse(row),
});

/** What the audit keeps of a changed text is its length: the versions have the words. */
export const withoutTexts = (changes: Changes): Changes =>
	Object.fromEntries(
		Object.entries(changes).map(([field, { from, to }]) => [
			field,
			sectionNames.some((name) => name === field) ? { from: lengthOf(from), to: lengthOf(to) } : { from, to },
		]),
	);
const lengthOf = (text: unknown) => (typeof text === 'string' ? { characters: text.length } : null);

/** The statement that keeps the document as it now is. */
export const keepVersion = (
	ctx: Ctx,
	actor: UserActor,
	postmortem_id: number | SQL<number>,
	reason: VersionReason,
	{ summary, impact, root_cause, timeline, action_items, status }: Sections & { status: PostMortemStatus },
) =>
	ctx.db.insert(postmortem_versions).values({
		postmortem_id,
		number: sql`(select coalesce(max(number), 0) + 1 from postmortem_versions where postmortem_id = ${postmortem_id})`,
		reason,
		status,
		...{ summary, impact, root_cause, timeline, action_items },
		created_by_id: actor.id,
		created_at: new Date(ctx.now()).toISOString(),
	});

/** The statement that makes room for it where the latest version is of the same person's same sitting. */
export const dropSitting = (ctx: Ctx, actor: UserActor, postmortem_id: number) =>
	ctx.db
		.delete(postmortem_versions)
		.where(
			and(
				eq(postmortem_versions.postmortem_id, postmortem_id),
				eq(
					postmortem_versions.number,
					sql`(select max(number) from postmortem_versions where postmortem_id = ${postmortem_id})`,
				),
				eq(postmortem_versions.reason, 'edit'),
				eq(postmortem_versions.created_by_id, actor.id),
				gt(postmortem_versions.created_at, new Date(ctx.now() - ONE_SITTING_MS).toISOString()),
			),
		);
