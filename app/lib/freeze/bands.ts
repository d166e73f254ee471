import type { FreezeTime } from '#domain/freeze.ts';
import { toLocalInput } from '#lib/i18n/format.ts';

/** What a band says of itself beside its time, so that it is told from an entry. */
export const BAND = 'band';

/**
 * One time of a freeze as the calendar draws it behind the entries: over the hours it lasts, and over each day it touches, of which a view
 * that has no hours shows the second.
 */
export function bandsOf({ freeze_id, title, start, end }: FreezeTime) {
	const id = `freeze-${String(freeze_id)}-${start}`;
	const dayOf = (ms: number) => toLocalInput(new Date(ms).toISOString()).slice(0, 10);
	const last = new Date(`${dayOf(Date.parse(end) - 1)}T12:00`);
	last.setDate(last.getDate() + 1);
	const band = { title, display: 'background', editable: false } as const;
	return [
		{ ...band, id, start, end, allDay: false, extendedProps: { [BAND]: 'hours' } },
		{
			...band,
			id: `${id}-days`,
			start: dayOf(Date.parse(start)),
			end: dayOf(last.getTime()),
			allDay: true,
			extendedProps: { [BAND]: 'days' },
		},
	];
}
