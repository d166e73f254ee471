import { z } from 'zod';
import { CalendarEntry } from '#domain/calendar-entry.ts';
import { api } from '#lib/api/client.ts';
import { IncidentPage } from '#lib/incident/pages.ts';
import { RunPage } from '#lib/run/pages.ts';
import type { PageLoad } from './$types';

const AHEAD_MS = 14 * 86_400_000;

export const load: PageLoad = async ({ fetch, params, parent }) => {
	const project_id = params.project;
	const now = Date.now();
	const latestIn = async (environment_id: number) => {
		const page = await api.get('/runs', RunPage, { fetch, query: { project_id, environment_id, limit: 1 } });
		return [environment_id, page.items[0] ?? null] as const;
	};
	const [runs, entries, incidents, latest] = await Promise.all([
		api.get('/runs', RunPage, { fetch, query: { project_id, limit: 60 } }),
		api.get('/calendar', z.array(CalendarEntry), {
			fetch,
			query: { project_id, start: new Date(now).toISOString(), end: new Date(now + AHEAD_MS).toISOString() },
		}),
		api.get('/incidents', IncidentPage, { fetch, query: { project_id, active: true, limit: 10 } }),
		parent().then(({ environments }) => Promise.all(environments.slice(0, 12).map((e) => latestIn(e.id)))),
	]);
	const ahead = entries.filter((e) => Date.parse(e.start) >= now).sort((a, b) => a.start.localeCompare(b.start));
	return { runs: runs.items, ahead: ahead.slice(0, 8), incidents: incidents.items, latest: new Map(latest) };
};
