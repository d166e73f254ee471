import type { Candidate, Lane, Queue } from '#domain/queue.ts';
import type { Reason } from '#domain/run-reason.ts';

/** The requests of a project that the hub waits for at once. */
export const HUB_AT_ONCE = 20;
/** The hub itself, where it carries out what it would else give to agents. */
export const hub: Candidate = {
	id: 0,
	name: `the hub, which waits for ${String(HUB_AT_ONCE)} answers at once`,
	labels: {},
	backends: ['webhook', 'serverless'],
	draining: false,
};

/** Who can carry out what is in a lane. Of agents those that have its labels and its backend, and what only one of them may have. */
export const fitting = (
	agents: readonly Candidate[],
	{ backend, labels, by_hub, only_agent }: Pick<Lane, 'backend' | 'labels' | 'by_hub' | 'only_agent'>,
): Candidate[] =>
	by_hub
		? [hub]
		: agents.filter(
				(a) =>
					(only_agent === null || a.id === only_agent) &&
					a.backends.includes(backend) &&
					Object.entries(labels).every(([k, v]) => a.labels[k] === v),
			);

/** From here on the exact place in the queue is not told: each start would change what is said of all that wait. */
const COUNTED = 20;

/** Why each of these runs waits; `holder` tells which run holds a concurrency key. */
export function reasonsOf(
	{ project_status, waiting, agents }: Queue,
	holder: (key: string) => number | null,
	now: number,
): { run_id: number; reason: Reason }[] {
	const fits = new Map<string, Candidate[]>();
	const before = new Map<string, number>();
	return waiting.map(({ run_id, lane, concurrency_key: key, not_before }) => {
		const fit = fits.get(lane.name) ?? fitting(agents, lane);
		fits.set(lane.name, fit);
		const reason = (): Reason => {
			if (project_status !== 'active') return projectPaused;
			if (lane.frozen) return frozenReason(lane.frozen);
			if (not_before !== null && Date.parse(not_before) > now) return pausedReason(not_before);
			const held = key === null ? null : holder(key);
			if (key !== null && held !== null && held !== run_id) return sameKeyReason(key, held);
			// Those that could be given the same agents come first.
			let ahead = 0;
			for (const [name, count] of before) if (fits.get(name)?.some((a) => fit.includes(a))) ahead += count;
			before.set(lane.name, (before.get(lane.name) ?? 0) + 1);
			return waitingReason(lane, fit, ahead);
		};
		return { run_id, reason: reason() };
	});
}

/** Why a run that nothing else holds back could not be placed. `ahead` runs wait before it; `fit` are the agents it could go to. */
export function waitingReason(
	lane: Pick<Lane, 'labels' | 'backend' | 'only_agent'>,
	fit: readonly Candidate[],
	ahead: number,
): Reason {
	if (fit.length === 0) {
		const labels = Object.entries(lane.labels).map(([k, v]) => `${k}=${v}`);
		const wanted = [
			`can run ${lane.backend}`,
			...(labels.length > 0 ? [`has ${labels.join(', ')}`] : []),
			...(lane.only_agent === null ? [] : ['has the plan']),
		];
		return said('no_agent', `No agent is online that ${wanted.join(' and ')}.`);
	}
	const taking = fit.filter((a) => !a.draining);
	if (taking.length === 0) return said('agents_draining', `Taking nothing new: ${named(fit)}.`);
	if (ahead === 0) return said('agents_busy', `Full: ${named(taking)}.`);
	const place = ahead > COUNTED ? `More than ${String(COUNTED)}` : String(ahead);
	return said('behind_others', `${place} ahead; full: ${named(taking)}.`);
}

const said = (code: Reason['code'], message: string): Reason => ({ code, message: message.slice(0, 500) });

const named = (agents: readonly Candidate[]) =>
	`${agents
		.slice(0, 3)
		.map((a) => a.name)
		.join(', ')}${agents.length > 3 ? ` and ${String(agents.length - 3)} more` : ''}`;

const frozenReason = ({ until, why }: NonNullable<Lane['frozen']>) =>
	said('frozen', `Frozen${until === null ? '' : ` until ${until}`}: ${why}`);
const pausedReason = (until: string) => said('later', `This attempt waits until ${until}.`);
const sameKeyReason = (key: string, run_id: number) =>
	said('same_key', `Waits for run ${String(run_id)}, which has the same key: ${key}`);
const projectPaused = said('project_paused', 'The project is paused: nothing starts.');
