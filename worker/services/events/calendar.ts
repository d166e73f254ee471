import { and, eq, getTableColumns, gt, gte, inArray, isNotNull, isNull, lt, or, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { accessOfRank } from '#domain/access.ts';
import { Id } from '#domain/common.ts';
import { invalid } from '#domain/errors.ts';
import type { CalendarEntry } from '#domain/calendar-entry.ts';
import { CALENDAR_WINDOW_MAX_MS, EVENT_LENGTH_MAX_MS } from '#domain/event.ts';
import { can, lends } from '#domain/permissions.ts';
import type { Series } from '#domain/recurrence.ts';
import { occurrences } from '#domain/series.ts';
import { events, jobs, projects } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf, enter, inProject, userId, visibleProjects } from '../gate.ts';

/** More entries than anyone can look at; a window with more is refused, not cut. */
const ENTRIES_MAX = 25_000;

/** Each of them is worked out at every reading. */
const SERIES_MAX = 2_000;

/** FullCalendar asks in the viewer's zone, with an offset, or by whole days. */
const Moment = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

export const CalendarQuery = z
	.strictObject({
		start: Moment,
		end: Moment,
		project_id: z.coerce.number().pipe(Id).optional(),
		timeZone: z.string().max(60).optional(),
	})
	.refine(({ start, end }) => Date.parse(start) < Date.parse(end), { path: ['end'], message: 'must be after start' })
	.refine(({ start, end }) => Date.parse(end) - Date.parse(start) <= CALENDAR_WINDOW_MAX_MS, {
		path: ['end'],
		message: `at most ${String(CALENDAR_WINDOW_MAX_MS / 86_400_000)} days after start`,
	});

/** The entries of a window, over all projects the person may see, as FullCalendar reads them. */
export async function readCalendar(ctx: Ctx, query: z.infer<typeof CalendarQuery>): Promise<CalendarEntry[]> {
	const [low, high] = [Date.parse(query.start), Date.parse(query.end)];
	const iso = (ms: number) => new Date(ms).toISOString();
	const visible = visibleProjects(ctx);
	const ofProject = query.project_id;
	const entriesIn = (window: SQL | undefined) =>
		ctx.db
			.select({
				...getTableColumns(events),
				job_status: jobs.status,
				job_type: jobs.job_type,
				auto_start: jobs.auto_start,
				next_start: jobs.next_start,
				owner_id: jobs.owner_id,
			})
			.from(events)
			.leftJoin(jobs, eq(jobs.id, events.job_id))
			.where(and(ofProject ? eq(events.project_id, ofProject) : undefined, inArray(events.project_id, visible), window))
			.orderBy(events.start, events.id);
	const { actor, rows } = await enter(
		ctx,
		'event.list',
		ofProject ? inProject(ofProject) : null,
		[
			ctx.db
				.select({
					id: projects.id,
					color: projects.color,
					status: projects.status,
					rank: accessRankOf(userId(ctx), projects.id.getSQL()),
				})
				.from(projects)
				.where(inArray(projects.id, visible)),
			entriesIn(
				and(
					isNull(events.recurrence),
					// Both sides of the start are bounded, so that this is a range of the index: no entry lasts longer.
					lt(events.start, iso(high)),
					gt(events.start, iso(low - EVENT_LENGTH_MAX_MS - 1)),
					or(gt(events.end, iso(low)), and(isNull(events.end), gte(events.start, iso(low)))),
				),
			).limit(ENTRIES_MAX + 1),
			entriesIn(
				and(
					isNotNull(events.recurrence),
					lt(events.start, iso(high)),
					or(isNull(events.recurs_until), gte(events.recurs_until, iso(low))),
				),
			).limit(SERIES_MAX + 1),
		],
		ofProject ? undefined : () => ({ access: 'read' }),
	);
	const [reachable, once, series] = rows;
	const times = timesIn([...once, ...series], { from: iso(low), to: iso(high) });
	if (times === null || series.length > SERIES_MAX)
		throw invalid('end', 'more entries lie in this window than anyone can look at: ask for a shorter one');
	const byId = new Map(reachable.map((project) => [project.id, project]));

	return times.flatMap(({ entry, start, end }): CalendarEntry[] => {
		const project = byId.get(entry.project_id);
		if (!project) return [];
		const { id, job_id, job_type, auto_start, owner_id, job_status, next_start, recurrence } = entry;
		const subject = {
			access: accessOfRank(project.rank),
			...(job_type && { job_type }),
			...(auto_start !== null && owner_id !== null && { lent: lends({ auto_start, owner_id }, actor) }),
		};
		const action = job_id === null ? 'event.update' : 'job.update';
		return [
			{
				id: recurrence ? `${String(id)}@${start}` : String(id),
				title: entry.title,
				...{ start, end },
				allDay: entry.all_day,
				color: entry.color ?? project.color,
				editable: recurrence === null && project.status !== 'archived' && can(actor, action, subject).allowed,
				extendedProps: {
					...entry.extendedProps,
					event_id: id,
					project_id: project.id,
					environment_id: entry.environment_id,
					attendees: entry.attendees,
					...{ job_id, job_status },
					auto_start: recurrence
						? next_start !== null && start >= next_start
						: auto_start === true && job_status === 'planned',
					event_type: entry.event_type,
					recurrence,
					version: entry.version,
				},
			},
		];
	});
}

/** Each time of each entry in a window, in their order; null: there are too many. */
function timesIn<E extends Series>(entries: readonly E[], window: { from: string; to: string }) {
	const times: { entry: E; start: string; end: string | null }[] = [];
	for (const entry of entries) {
		for (const time of occurrences(entry, window)) times.push({ entry, ...time });
		if (times.length > ENTRIES_MAX) return null;
	}
	return times.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
}
