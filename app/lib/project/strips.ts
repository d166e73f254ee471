import type { ProjectView } from '#domain/project.ts';
import type { RunItem } from '#domain/run.ts';
import { api } from '#lib/api/client.ts';
import { RunPage } from '#lib/run/pages.ts';

/** The latest runs of projects, by their ids. */
export type Strips = ReadonlyMap<number, RunItem[]>;

/** Cards drawn with a strip of their own; whoever has more projects finds them in the rail. */
const CARDS = 8;
const RUNS = 30;

export const carded = (projects: ProjectView[]) => projects.filter((p) => p.status !== 'archived').slice(0, CARDS);

export async function loadStrips(projects: ProjectView[], fetch: typeof globalThis.fetch): Promise<Strips> {
	const pages = carded(projects).map(async ({ id }) => {
		const { items } = await api.get('/runs', RunPage, { fetch, query: { project_id: id, limit: RUNS } });
		return [id, items] as const;
	});
	return new Map(await Promise.all(pages));
}
