import { ApiError } from '#client/api-error.ts';
import { m } from '#lib/paraglide/messages.js';

/** Rows of one kind that name the row which was to be deleted. */
export interface Hanging {
	what: string;
	count: number;
}

/** By the table, as the hub's refusal has it. */
const words: Record<string, () => string> = {
	agents: m.fleet,
	alert_sources: m.alert_sources,
	clusters: m.clusters,
	environments: m.environments,
	events: m.hanging_events,
	freezes: m.freezes,
	git_changes: m.changes,
	git_repos: m.repos,
	incident_links: m.hanging_incident_links,
	incidents: m.incidents,
	inventories: m.inventories,
	jobs: m.jobs,
	metric_refs: m.metrics,
	postmortems: m.hanging_postmortems,
	runs: m.runs,
	script_refs: m.scripts,
	terraform_plans: m.plans,
};

/** What a refusal says hangs on the row; nothing where it was refused for something else. */
export function hangingOf(error: unknown): Hanging[] {
	if (!(error instanceof ApiError) || error.status !== 409) return [];
	return error.problem.errors
		.filter(({ message }) => /^\d+$/.test(message))
		.map(({ path, message }) => ({ what: words[path]?.() ?? path, count: Number(message) }));
}
