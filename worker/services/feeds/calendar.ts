import { and, eq, getTableColumns, gt, inArray, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import { EVENT_LENGTH_MAX_MS } from '#domain/event.ts';
import type { Series } from '#domain/recurrence.ts';
import { occurrences } from '#domain/series.ts';
import { events, freezes, jobs, projects } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { endsAfter } from '../freezes/in-force.ts';
import { enter, visibleProjects } from '../gate.ts';
import { calendarOf, type IcalEntry } from './ical.ts';

const DAY_MS = 86_400_000;
/** What a calendar elsewhere is given: so far back, so far ahead, and not more than anybody can look at. */
const BACK_MS = 60 * DAY_MS;
const AHEAD_MS = 366 * DAY_MS;
const ENTRIES_MAX = 5_000;

/** The entries and the freezes a person may see, as a calendar to subscribe to. */
export async function readCalendarFeed(ctx: Ctx, origin: URL): Promise<string> {
	const iso = (ms: number) => new Date(ms).toISOString();
	const [low, high] = [ctx.now() - BACK_MS, ctx.now() + AHEAD_MS];
	const visible = visibleProjects(ctx);
	// Where there are too many, those furthest from today are left out. What recurs has times near and far.
	const nearest = ({ start, recurrence, id }: typeof events | typeof freezes) => [
		sql`case when ${recurrence} is null then abs(${start} - ${ctx.now()}) else 0 end`,
		id,
	];
	const away = ({ start }: IcalEntry) => Math.abs(Date.parse(start) - ctx.now());
	const shown = (all: IcalEntry[]) =>
		all
			.toSorted((a, b) => away(a) - away(b))
			.slice(0, ENTRIES_MAX)
			.toSorted((a, b) => Date.parse(a.start) - Date.parse(b.start));
	const { rows } = await enter(
		ctx,
		'event.list',
		null,
		[
			ctx.db
				.select({
					...getTableColumns(events),
					project_name: sql<string>`${projects.name}`.as('project_name'),
					job_status: sql<string | null>`${jobs.status}`.as('job_status'),
				})
				.from(events)
				.innerJoin(projects, eq(projects.id, events.project_id))
				.leftJoin(jobs, eq(jobs.id, events.job_id))
				.where(
					and(
						inArray(events.project_id, visible),
						lt(events.start, iso(high)),
						or(
							gt(events.start, iso(low - EVENT_LENGTH_MAX_MS)),
							and(isNotNull(events.recurrence), or(isNull(events.recurs_until), gt(events.recurs_until, iso(low)))),
						),
					),
				)
				.orderBy(...nearest(events))
				.limit(ENTRIES_MAX),
			ctx.db
				.select({ ...getTableColumns(freezes), project_name: sql<string | null>`${projects.name}`.as('project_name') })
				.from(freezes)
				.leftJoin(projects, eq(projects.id, freezes.project_id))
				.where(
					and(
						or(isNull(freezes.project_id), sql`${freezes.project_id} in ${visible}`),
						lt(freezes.start, iso(high)),
						endsAfter(iso(low)),
					),
				)
				.orderBy(...nearest(freezes))
				.limit(ENTRIES_MAX),
		],
		() => ({ access: 'read' }),
	);
	/** What recurs is told time by time, so that no program has to work it out as we do. */
	const timesOf = <S extends Series & { id: number }>(row: S, what: string) =>
		(row.recurrence ? occurrences(row, { from: iso(low), to: iso(high) }) : [row]).map(({ start, end }) => ({
			uid: `${what}-${String(row.id)}${row.recurrence ? `-${start.replace(/[-:]|\.\d+/g, '')}` : ''}@${origin.host}`,
			start,
			end,
			row,
		}));
	const entries = rows[0]
		.flatMap((event) => timesOf(event, 'event'))
		.map(({ row: event, ...time }): IcalEntry => ({
			...time,
			title: `${event.project_name}: ${event.title}`,
			all_day: event.all_day,
			status: event.job_status === 'canceled' ? 'CANCELLED' : 'CONFIRMED',
			categories: [event.event_type, event.project_name],
			url: event.job_id === null ? `${origin.origin}/calendar` : `${origin.origin}/jobs/${String(event.job_id)}`,
			version: event.version,
			updated_at: event.updated_at,
		}));
	const frozen = rows[1]
		.flatMap((freeze) => timesOf(freeze, 'freeze'))
		.map(({ row: freeze, ...time }): IcalEntry => ({
			...time,
			title: `❄ ${freeze.project_name === null ? '' : `${freeze.project_name}: `}${freeze.title}`,
			all_day: false,
			status: 'CONFIRMED',
			categories: ['freeze'],
			url: `${origin.origin}/admin/freezes`,
			version: freeze.version,
			updated_at: freeze.updated_at,
		}));
	return calendarOf('uHub', shown([...entries, ...frozen]));
}
