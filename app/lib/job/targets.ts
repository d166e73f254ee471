import type { Execution } from '#domain/backend.ts';
import { BadPattern, hostsMeant } from '#domain/host-pattern.ts';
import { type GroupsJson, InventoryView } from '#domain/inventory.ts';
import type { Job } from '#domain/job.ts';
import { api } from '#lib/api/client.ts';

/** What a limit means of an inventory: hosts, or why it cannot be said. */
export type Meant = { hosts: string[] } | { wrong: BadPattern['why'] };

export function meant(groups: GroupsJson, limit: string): Meant {
	try {
		return { hosts: hostsMeant(groups, limit.trim() === '' ? null : limit.trim()) };
	} catch (error) {
		if (error instanceof BadPattern) return { wrong: error.why };
		throw error;
	}
}

export const readInventory = (id: number, signal: AbortSignal): Promise<InventoryView> =>
	api.get(`/inventories/${String(id)}`, InventoryView, { signal });

/** The hosts that a run of the job may choose among; null where that cannot be said. */
export async function choosable(
	{ targets }: Pick<Job, 'targets'>,
	{ execution_backend, execution_backend_config }: Execution,
	signal: AbortSignal,
): Promise<string[] | null> {
	if (targets) {
		const found = meant((await readInventory(targets.inventory_id, signal)).groups_json, targets.limit ?? '');
		return 'hosts' in found ? found.hosts : null;
	}
	const hosts: unknown = execution_backend === 'ssh' ? execution_backend_config?.['hosts'] : null;
	return Array.isArray(hosts) ? hosts.map(String) : null;
}
