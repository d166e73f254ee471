import { type Freeze, freezesWithin } from '#domain/freeze.ts';
import { JobView } from '#domain/job.ts';
import { api } from '#lib/api/client.ts';

/** Those of some freezes that a job falls into; which of them hold for it depends on its environment. */
export async function freezesOnJob(
	{ id, project_id }: { id: number; project_id: number },
	freezes: readonly Freeze[],
	window: { start: string; end: string | null },
): Promise<Freeze[]> {
	const near = freezes.filter((f) => f.project_id === null || f.project_id === project_id);
	if (near.length === 0) return [];
	const { environment_id } = await api.get(`/jobs/${String(id)}`, JobView);
	return freezesWithin(near, environment_id, window);
}
