import { conflict, invalid } from '#domain/errors.ts';
import { EVENT_LENGTH_MAX_MS, type EventType } from '#domain/event.ts';
import { type Job, type JobPatch, jobTransitions } from '#domain/job.ts';
import { checkParameters } from '#domain/parameter.ts';

type Plan = Pick<Job, 'planned_start' | 'planned_end' | 'auto_start' | 'job_type' | 'parameters_schema'>;

/** Throws `invalid` where a plan has no start, ends before it starts, lasts longer than the calendar can show or cannot start by itself. */
export function assertPlan({ planned_start, planned_end, auto_start, job_type, parameters_schema }: Plan): void {
	if (auto_start && planned_start === null) throw invalid('auto_start', 'needs planned_start: it starts at that time');
	if (auto_start && job_type === 'meeting') throw invalid('auto_start', 'a meeting never runs');
	const [unknown] = auto_start ? checkParameters(parameters_schema, {}).errors : [];
	if (unknown)
		throw invalid(
			'auto_start',
			`nobody is there to give a value: ${unknown.path.replace('parameters.', '')} needs a default`,
		);
	if (planned_end === null) return;
	if (planned_start === null) throw invalid('planned_start', 'is needed where planned_end is given');
	const length = Date.parse(planned_end) - Date.parse(planned_start);
	if (length <= 0) throw invalid('planned_end', 'must be after planned_start');
	if (length > EVENT_LENGTH_MAX_MS)
		throw invalid('planned_end', `at most ${String(EVENT_LENGTH_MAX_MS / 86_400_000)} days after planned_start`);
}

/** What a planned job looks like on the calendar; null: it is not planned. */
export function projectionOf(job: Pick<Job, 'title' | 'job_type' | 'planned_start' | 'planned_end'>) {
	if (job.planned_start === null) return null;
	return {
		title: job.title,
		start: job.planned_start,
		end: job.planned_end,
		event_type: eventTypeOf[job.job_type],
	};
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
	if (before.status === 'running' || before.planned_start === next.planned_start) return before.status;
	if (next.planned_start !== null) return 'planned';
	return before.status === 'planned' ? 'draft' : before.status;
}
