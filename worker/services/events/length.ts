import { invalid } from '#domain/errors.ts';
import { EVENT_LENGTH_MAX_MS } from '#domain/event.ts';

/** Throws `invalid` where an entry ends before it starts, or lasts longer than an overlap query looks back. */
export function assertLength({ start, end }: { start: string; end: string | null }): void {
	if (end === null) return;
	const length = Date.parse(end) - Date.parse(start);
	if (length <= 0) throw invalid('end', 'must be after start');
	if (length > EVENT_LENGTH_MAX_MS)
		throw invalid('end', `at most ${String(EVENT_LENGTH_MAX_MS / 86_400_000)} days after start`);
}
