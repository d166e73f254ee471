import type { RunStep, StepStatus } from '#domain/run-step.ts';

/** What a run did on one of its hosts. */
export interface HostLane {
	host: string;
	steps: RunStep[];
	status: StepStatus;
	/** The step that decided how it ended there. */
	told: RunStep;
	from_line: number;
	/** Milliseconds, from its first step's start to its last one's end, or until now. */
	ms: number;
}

/** What counts most comes first, also in a list. */
const weight: readonly StepStatus[] = ['failed', 'lost', 'running', 'canceled', 'skipped', 'success'];
const heavier = (a: RunStep, b: RunStep): RunStep => (weight.indexOf(b.status) < weight.indexOf(a.status) ? b : a);

/** The hosts among a run's steps: in the order they were come to while it runs, then those that failed first. */
export function hostLanes(steps: readonly RunStep[], now: number, over: boolean): HostLane[] {
	const byHost = Map.groupBy(
		steps.filter((step) => step.host !== null),
		(step) => step.host ?? '',
	);
	const lanes = [...byHost].flatMap(([host, own]): HostLane[] => {
		const [first] = own;
		if (!first) return [];
		const told = own.reduce(heavier);
		const ends = own.map((step) => (step.finished_at ? Date.parse(step.finished_at) : now));
		const ms = Math.max(0, Math.max(...ends) - Date.parse(first.started_at));
		return [{ host, steps: own, status: told.status, told, from_line: first.from_line, ms }];
	});
	if (!over) return lanes;
	return lanes.sort((a, b) => weight.indexOf(a.status) - weight.indexOf(b.status));
}

/** Whether a line of the log is of a host: its lane's, or for ansible one that tells of it. */
export function isOf(text: string, host: string, tool: RunStep['tool']): boolean {
	const name = host.replace(/\p{C}/gu, '');
	if (tool !== 'ansible') return text.startsWith(`[${name}] `);
	return text.includes(`[${name}]`) || text.includes(`[${name} -> `);
}

/** What to look for in the log to find them, in upper or lower case. */
export const soughtFor = (host: string, tool: RunStep['tool']): string => {
	const name = host.replace(/\p{C}/gu, '');
	return tool === 'ansible' ? `[${name}` : `[${name}] `;
};
