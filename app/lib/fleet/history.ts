import type { HostPoint } from '#domain/host.ts';
import { type Resource, sharesOf } from './host.ts';

/** The times that can be looked back over, in hours, and the most points that are wanted: fewer than the minutes there are, or more. */
export const ranges = {
	hour: { hours: 1, points: 90 },
	day: { hours: 24, points: 240 },
	week: { hours: 168, points: 240 },
} as const;
export type Range = keyof typeof ranges;
export const rangeNames = ['hour', 'day', 'week'] as const satisfies readonly Range[];

/** The one an address names; the hour where it names none. */
export const rangeOf = (params: Pick<URLSearchParams, 'get'>): Range =>
	rangeNames.find((range) => range === params.get('range')) ?? 'hour';

/** A longer silence is a hole in the line, not a slope; where a point stands for longer than that, one that is missing is. */
const HOLE_MS = 300_000;
const REPORT_EVERY_MS = 60_000;

/** One resource of a host over time, in columns as a chart draws them: the times in seconds, null where nothing was reported. */
export interface Columns {
	at: number[];
	share: (number | null)[];
	/** The highest in each span; null where that is known of none, or a span holds but one report. */
	peak: (number | null)[] | null;
}

export function columnsOf(points: readonly HostPoint[], span_ms: number, resource: Resource): Columns {
	const columns: Columns = { at: [], share: [], peak: resource === 'cpu' && span_ms > REPORT_EVERY_MS ? [] : null };
	const push = (ms: number, share: number | null, peak: number | null) => {
		columns.at.push(ms / 1000);
		columns.share.push(share);
		columns.peak?.push(peak);
	};
	let before: number | null = null;
	for (const point of points) {
		const ms = Date.parse(point.at);
		if (before !== null && ms - before > Math.max(HOLE_MS, 1.5 * span_ms)) push(before + span_ms, null, null);
		push(ms, sharesOf(point)[resource], sharesOf({ ...point, cpu_load_1m: point.cpu_load_1m_max })[resource]);
		before = ms;
	}
	return columns;
}

/** A line in four numbers, for who does not see it; null where there is none. */
export function summaryOf(columns: Columns): { low: number; high: number; mean: number; last: number } | null {
	const known = columns.share.filter((share) => share !== null);
	const highs = (columns.peak ?? columns.share).filter((share) => share !== null);
	const last = known.at(-1);
	if (last === undefined) return null;
	return {
		low: Math.min(...known),
		high: Math.max(...highs),
		mean: known.reduce((sum, share) => sum + share, 0) / known.length,
		last,
	};
}

/** At most so many of them, evenly, the last among them: a table is to be read. */
export function some<T>(all: readonly T[], most: number): T[] {
	const step = Math.ceil(all.length / most);
	return all.filter((_, i) => (all.length - 1 - i) % step === 0);
}
