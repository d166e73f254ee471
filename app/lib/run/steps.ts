import type { Run } from '#domain/run.ts';

export interface Step {
	name: 'queued' | 'handover' | 'start' | 'running' | 'finish';
	/** Milliseconds after the request at which it began, and how long it took so far. */
	at: number;
	ms: number;
	/** It is going on. */
	open: boolean;
}

type Timed = Pick<Run, 'requested_at' | 'timings' | 'started_at' | 'finished_at'>;

/**
 * The steps a run has been through. `now` (ms UTC) ends the step it is in; null when the run is over. Clocks of hub and agent
 * differ, so no step is shorter than nothing.
 */
export function stepsOf(run: Timed, now: number | null): Step[] {
	const { timings: t } = run;
	const begin = Date.parse(run.requested_at);
	const marks: [Step['name'], string | null | undefined][] = [
		['queued', t.offered_at],
		['handover', t.granted_at],
		['start', t.started_at ?? run.started_at],
		['running', t.exited_at],
		['finish', run.finished_at],
	];
	const steps: Step[] = [];
	let from = begin;
	for (const [name, reached] of marks) {
		if (reached) {
			const to = Math.max(from, Date.parse(reached));
			steps.push({ name, at: from - begin, ms: to - from, open: false });
			from = to;
			continue;
		}
		// A run that ended early never reached the rest: its end is the end of this step.
		const end = run.finished_at ? Date.parse(run.finished_at) : now;
		if (end !== null) steps.push({ name, at: from - begin, ms: Math.max(0, end - from), open: !run.finished_at });
		break;
	}
	return steps;
}
