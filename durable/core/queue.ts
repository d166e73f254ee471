import type { Labels } from '#domain/job.ts';
import type { Reason } from '#domain/run-reason.ts';

/** A run that waits in its project's room. */
export interface Queued {
	run_id: number;
	labels: Labels;
	backend: string;
	reason: Reason | null;
	/** A freeze holds it back. */
	frozen: { until: string; why: string } | null;
}

/** An agent that is online and serves the project. */
export interface Candidate {
	id: number;
	name: string;
	labels: Labels;
	backends: readonly string[];
}

/** The agents that may be offered the run: they have its labels and can carry out its backend. */
export const fitting = (agents: readonly Candidate[], run: Pick<Queued, 'labels' | 'backend'>): Candidate[] =>
	agents.filter(
		(a) => a.backends.includes(run.backend) && Object.entries(run.labels).every(([k, v]) => a.labels[k] === v),
	);

/** From here on the exact place in the queue is not told: each start would change what is said of all that wait. */
const COUNTED = 20;

/** Why a run that could not be placed still waits. `ahead` runs wait before it; `fit` are the agents it could go to, all full. */
export function waitingReason(
	run: Pick<Queued, 'labels' | 'backend'>,
	fit: readonly Candidate[],
	ahead: number,
): Reason {
	const full = `${fit
		.slice(0, 3)
		.map((a) => a.name)
		.join(', ')}${fit.length > 3 ? ` and ${String(fit.length - 3)} more` : ''}`;
	if (fit.length === 0) {
		const labels = Object.entries(run.labels).map(([k, v]) => `${k}=${v}`);
		const wanted = [`can run ${run.backend}`, ...(labels.length > 0 ? [`has ${labels.join(', ')}`] : [])];
		return { code: 'no_agent', message: `No agent is online that ${wanted.join(' and ')}.`.slice(0, 500) };
	}
	if (ahead === 0) return { code: 'agents_busy', message: `Full: ${full}.`.slice(0, 500) };
	const place = ahead > COUNTED ? `More than ${String(COUNTED)}` : String(ahead);
	return { code: 'behind_others', message: `${place} ahead; full: ${full}.`.slice(0, 500) };
}

/** Why a run that a freeze holds back waits. */
export const frozenReason = ({ until, why }: { until: string; why: string }): Reason => ({
	code: 'frozen',
	message: `Frozen until ${until}: ${why}`.slice(0, 500),
});

export const projectPaused: Reason = { code: 'project_paused', message: 'The project is paused: nothing starts.' };
