import { invalid } from '#domain/errors.ts';
import type { Verdict } from '#domain/repo.ts';

/** A verdict is about an incident: without one there is nothing to be judged. */
export function assertVerdict({ incident_id, verdict }: { incident_id: number | null; verdict: Verdict | null }): void {
	if (verdict !== null && incident_id === null) throw invalid('verdict', 'is of a change with an incident_id');
}
