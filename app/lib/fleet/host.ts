import type { z } from 'zod';
import { Id } from '#domain/common.ts';
import { HostReport } from '#domain/agent.ts';

/** A report as `/api/server-status` lists it. */
export const ServerStatus = HostReport.extend({ id: Id, agent_id: Id });
export type ServerStatus = z.infer<typeof ServerStatus>;

export const resources = ['cpu', 'memory', 'disk'] as const;
export type Resource = (typeof resources)[number];

/** How much of each is in use, from 0 on; the load of a busy processor goes beyond 1. */
export const sharesOf = (host: HostReport): Record<Resource, number> => ({
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
/** A longer silence is a hole in the line, not a slope. */
const HOLE_MS = 300_000;

/**
 * An SVG path through `points` (time in ms, share), oldest first, in a box of 1000 × 100 that ends at the last of them
 * and is as high as the whole, or as the highest above it. '' where there are fewer than two.
 */
export function sparkline(points: readonly { at: number; share: number }[]): string {
	const first = points[0];
	const last = points.at(-1);
	if (!first || !last || first.at >= last.at) return '';
	const x = (at: number) => ((at - first.at) / (last.at - first.at)) * 1000;
	const top = Math.max(1, ...points.map(({ share }) => share));
	const y = (share: number) => 100 - (Math.max(0, share) / top) * 100;
	let path = '';
	let before = -Infinity;
	for (const { at, share } of points) {
		path += `${at - before > HOLE_MS ? 'M' : 'L'}${x(at).toFixed(1)} ${y(share).toFixed(1)}`;
		before = at;
	}
	return path;
}
