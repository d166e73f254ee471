import { z } from 'zod';
import { IncidentPage } from '#lib/incident/pages.ts';
import { CalendarEntry } from '#domain/calendar-entry.ts';
import { api } from '#lib/api/client.ts';
import { loadStrips } from '#lib/project/strips.ts';
import { RunPage } from '#lib/run/pages.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, parent }) => {
	const start = new Date();
	start.setHours(0, 0, 0, 0);
	const end = new Date(start);
	end.setDate(end.getDate() + 2);
	// Begins when the projects are known; the page does not wait for it.
	const strips = parent().then(({ projects }) => loadStrips(projects, fetch));
	// Where it fails the page says so, if there is one.
	strips.catch(() => {});
	const [recent, awaiting, incidents, today] = await Promise.all([
		api.get('/runs', RunPage, { fetch, query: { limit: 12 } }),
		api.get('/runs', RunPage, { fetch, query: { needs_my_approval: 'true', limit: 20 } }),
		api.get('/incidents', IncidentPage, { fetch, query: { active: true, limit: 10 } }),
		api.get('/calendar', z.array(CalendarEntry), {
			fetch,
			query: { start: start.toISOString(), end: end.toISOString() },
		}),
	]);
	return {
		recent: recent.items,
		awaiting: awaiting.items,
		incidents: incidents.items,
		today: today.sort((a, b) => a.start.localeCompare(b.start)),
		strips,
	};
};
