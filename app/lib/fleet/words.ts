import { m } from '#lib/paraglide/messages.js';
import type { Resource } from './host.ts';

export const resourceName: Record<Resource, () => string> = {
	cpu: m.fleet_cpu,
	memory: m.fleet_memory,
	disk: m.fleet_disk,
};
