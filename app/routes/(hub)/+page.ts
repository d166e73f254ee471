import { z } from 'zod';
import { IncidentPage } from '#lib/incident/pages.ts';
import { CalendarEntry } from '#domain/event.ts';
import { api } from '#lib/api/client.ts';
import { LIVE } from '#lib/live/follow.svelte.ts';
import { RunPage } from '#lib/run/pages.ts';
import type { PageLoad } from './$types';

/** Cards drawn with a strip of their own; whoever has more projects finds them in the rail. */
const CARDS = 8;

export const load: PageLoad = async ({ fetch, parent, depends }) => {
	depends(LIVE);
	const start = new Date();
	start.setHours(0, 0, 0, 0);
	const end = new Date(start);
	end.setDate(end.getDate() + 2);
	const [recent, incidents, today, strips] = await Promise.all([
		api.get('/runs', RunPage, { fetch, query: { limit: 12 } }),
		api.get('/incidents', IncidentPage, { fetch, query: { active: true, limit: 10 } }),
		api.get('/calendar', z.array(CalendarEntry), {
			fetch,
			query: { start: start.toISOString(), end: end.toISOString() },
		}),
		parent().then(({ projects }) =>
			Promise.all(
				projects
					.filter((p) => p.status !== 'archived')
					.slice(0, CARDS)
					.map((p) =>
						api.get('/runs', RunPage, { fetch, query: { project_id: p.id, limit: 30 } }).then((page) => ({
							project_id: p.id,
							runs: page.items,
						})),
					),
			),
		),
	]);
	return {
		recent: recent.items,
		incidents: incidents.items,
		today: today.sort((a, b) => a.start.localeCompare(b.start)),
		strips,
	};
};
