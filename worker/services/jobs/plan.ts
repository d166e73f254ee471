import { conflict, invalid } from '#domain/errors.ts';
import { EVENT_LENGTH_MAX_MS } from '#domain/event.ts';
import type { EventType } from '#domain/event-type.ts';
import { type Job, type JobPatch, jobTransitions } from '#domain/job.ts';
import { checkParameters } from '#domain/parameter.ts';
import type { Series } from '#domain/recurrence.ts';
import { nextAfter } from '#domain/series.ts';
import { changesOf, isEmpty } from '../edit.ts';
import { assertSeries, recursUntil } from '../series.ts';

/** When a job takes place. */
type Times = Pick<Job, 'planned_start' | 'planned_end' | 'recurrence'>;
type Plan = Times & Pick<Job, 'auto_start' | 'job_type' | 'parameters_schema'>;

/** A job's plan as a series; null: it is not planned. */
const seriesOf = ({ planned_start: start, planned_end: end, recurrence }: Times): Series | null =>
	start === null ? null : { start, end, recurrence };

/**
 * Throws `invalid` where a plan has no start, ends before it starts, lasts longer than the calendar can show, cannot start by itself
 * or does not fit its rule.
 */
export function assertPlan(plan: Plan): void {
	const { planned_start, planned_end, recurrence, auto_start, job_type, parameters_schema } = plan;
	if (auto_start && planned_start === null) throw invalid('auto_start', 'needs planned_start: it starts at that time');
	if (auto_start && job_type === 'meeting') throw invalid('auto_start', 'a meeting never runs');
	const [unknown] = auto_start ? checkParameters(parameters_schema, {}).errors : [];
	if (unknown)
		throw invalid(
			'auto_start',
			`nobody is there to give a value: ${unknown.path.replace('parameters.', '')} needs a default`,
		);
	if (planned_end !== null) {
		if (planned_start === null) throw invalid('planned_start', 'is needed where planned_end is given');
		const length = Date.parse(planned_end) - Date.parse(planned_start);
		if (length <= 0) throw invalid('planned_end', 'must be after planned_start');
		if (length > EVENT_LENGTH_MAX_MS)
			throw invalid('planned_end', `at most ${String(EVENT_LENGTH_MAX_MS / 86_400_000)} days after planned_start`);
	}
	const series = seriesOf(plan);
	if (series) assertSeries(series, { start: 'planned_start', end: 'planned_end' });
	else if (recurrence) throw invalid('recurrence', 'needs planned_start: that is the first time');
}

/** When a job that recurs starts by itself next, after a moment; null: it does not. */
export function nextStart(job: Times & Pick<Job, 'auto_start' | 'status'>, after: number): string | null {
	const series = seriesOf(job);
	if (!series?.recurrence || !job.auto_start || job.status === 'draft') return null;
	return nextAfter(series, new Date(after).toISOString());
}

/** Whether one plan has other times than another. */
export const replanned = (before: Times, next: Times): boolean => !isEmpty(changesOf(timesOf(before), timesOf(next)));
const timesOf = ({ planned_start, recurrence }: Times) => ({ planned_start, recurrence });

/** What a planned job looks like on the calendar; null: it is not planned. */
export function projectionOf(job: Times & Pick<Job, 'title' | 'environment_id' | 'job_type'>) {
	const series = seriesOf(job);
	return (
		series && {
			title: job.title,
			...series,
			recurs_until: recursUntil(series),
			environment_id: job.environment_id,
			event_type: eventTypeOf[job.job_type],
		}
	);
}

const eventTypeOf: Record<Job['job_type'], EventType> = {
	dev: 'job',
	ops: 'job',
	infra: 'job',
	maintenance: 'maintenance',
	meeting: 'meeting',
};

/** The status an edit leaves: the one asked for, where the table allows it; else what the plan makes of the present one. */
export function statusAfter(before: Job, next: Job, asked?: JobPatch['status']): Job['status'] {
	if (asked !== undefined && asked !== before.status) {
		if (before.status === 'running') throw conflict('A run of this job is under way: its status follows the run.');
		if (!jobTransitions[before.status].includes(asked))
			throw conflict(`A job that is ${before.status} cannot become ${asked}.`);
		if (asked === 'planned' && next.planned_start === null)
			throw invalid('planned_start', 'is needed for a planned job');
		return asked;
	}
	if (before.status === 'running' || !replanned(before, next)) return before.status;
	if (next.planned_start !== null) return 'planned';
	return before.status === 'planned' ? 'draft' : before.status;
}
