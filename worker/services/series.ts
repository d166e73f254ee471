import { invalid } from '#domain/errors.ts';
import type { Series } from '#domain/recurrence.ts';
import { seriesEnd, seriesFault } from '#domain/series.ts';

/** What a row calls its start and its end. */
interface Names {
	start: string;
	end: string;
}

/** Throws `invalid`, naming the field, where a rule does not fit what it is to repeat. */
export function assertSeries(series: Series, { start, end }: Names = { start: 'start', end: 'end' }): void {
	const fault = seriesFault(series);
	if (fault) throw invalid({ start, end, 'recurrence.rrule': fault.path }[fault.path], fault.message);
}

/** The column that says until when a row has to be looked at. */
export const recursUntil = (series: Series): string | null => (series.recurrence === null ? null : seriesEnd(series));
