import { pageOf } from '#domain/common.ts';
import { Environment } from '#domain/environment.ts';
import { api } from '#lib/api/client.ts';
import { freezeFilters, FreezePage } from '#lib/freeze/load.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url }) => {
	const now = new Date().toISOString();
	const when = url.searchParams.get('when');
	// What is over is looked back at, what is to come looked forward to.
	const window = when === 'all' ? { sort: '-start' } : when === 'now' ? { active_at: now } : { from: now };
	const freezes = await api.get('/freezes', FreezePage, {
		fetch,
		query: { ...pick(url.searchParams, freezeFilters), ...window },
	});
	const projects = new Set(freezes.items.flatMap((f) => (f.environment_id === null ? [] : [f.project_id])));
	const environments = await Promise.all(
		[...projects].map((id) =>
			api.get(`/projects/${String(id)}/environments`, pageOf(Environment), { fetch, query: { limit: 200 } }),
		),
	);
	return { freezes, environments: environments.flatMap(({ items }) => items) };
};
