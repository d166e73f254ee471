import { pageOf } from '#domain/common.ts';
import { RunItem } from '#domain/run.ts';

/** A page of runs, as every list of them is answered. */
export const RunPage = pageOf(RunItem);

/** What a list of runs takes from the address. */
export const runFilters = [
	'q',
	'status',
	'project_id',
	'environment_id',
	'triggered_by_id',
	'agent_id',
	'needs_my_approval',
	'sort',
	'cursor',
] as const;
