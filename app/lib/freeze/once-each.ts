import type { FreezeTime } from '#domain/freeze.ts';

/** Of times in their order, each freeze once: by the time that is on or comes next, or by its last where all are over. */
export function onceEach(times: readonly FreezeTime[], now: number): FreezeTime[] {
	const chosen = new Map<number, FreezeTime>();
	for (const time of times) {
		const before = chosen.get(time.freeze_id);
		if (!before || Date.parse(before.end) <= now) chosen.set(time.freeze_id, time);
	}
	return [...chosen.values()].sort((a, b) => (a.start < b.start ? -1 : 1));
}
