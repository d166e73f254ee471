import type { HostReport } from '#domain/agent.ts';

export const resources = ['cpu', 'memory', 'disk'] as const;
export type Resource = (typeof resources)[number];

/** How much of each is in use, from 0 on; the load of a busy processor goes beyond 1. */
type Used = Pick<
	HostReport,
	'cpu_load_1m' | 'cpu_cores' | 'ram_used_gib' | 'ram_total_gib' | 'disk_used_gib' | 'disk_total_gib'
>;
export const sharesOf = (host: Used): Record<Resource, number> => ({
	cpu: host.cpu_load_1m / host.cpu_cores,
	memory: host.ram_total_gib > 0 ? host.ram_used_gib / host.ram_total_gib : 0,
	disk: host.disk_total_gib > 0 ? host.disk_used_gib / host.disk_total_gib : 0,
});

/** From here on somebody should look. */
const HIGH = 0.75;
const FULL = 0.9;
export const toneOf = (share: number): 'accent' | 'warning' | 'danger' =>
	share >= FULL ? 'danger' : share >= HIGH ? 'warning' : 'accent';

/** A report older than this tells of another time. */
export const STALE_MS = 180_000;
