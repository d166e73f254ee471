import { InventoryView } from '#domain/inventory.ts';
import { ProjectView } from '#domain/project.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params }) => {
	const inventory = await api.get(`/inventories/${String(params.id)}`, InventoryView, { fetch });
	const project = await api.get(`/projects/${String(inventory.project_id)}`, ProjectView, { fetch });
	return { inventory, project };
};
