import { pageOf } from '#domain/common.ts';
import { IncidentChange } from '#domain/incident-change.ts';
import { IncidentEntry } from '#domain/incident-entry.ts';
import { IncidentLinkView } from '#domain/incident-link.ts';
import { MetricRef } from '#domain/metric-ref.ts';
import { GitChange } from '#domain/repo.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url, parent }) => {
	const at = `/incidents/${String(params.id)}` as const;
	const query = { sort: '-at', limit: 100, cursor: url.searchParams.get('cursor') };
	const of_incident = async () => {
		const { incident } = await parent();
		const inProject = `/projects/${String(incident.project_id)}` as const;
		const query = { incident_id: incident.id, limit: 200 };
		return Promise.all([
			api.get(`${inProject}/changes`, pageOf(GitChange), { fetch, query }),
			api.get(`${inProject}/metric-refs`, pageOf(MetricRef), { fetch, query }),
		]);
	};
	const [entries, links, changes, [code, metrics]] = await Promise.all([
		api.get(`${at}/entries`, pageOf(IncidentEntry), { fetch, query }),
		api.get(`${at}/links`, pageOf(IncidentLinkView), { fetch, query: { limit: 200 } }),
		api.get(`${at}/changes`, pageOf(IncidentChange), { fetch }),
		of_incident(),
	]);
	return { entries, links: links.items, changes: changes.items, code: code.items, metrics: metrics.items };
};
