import { z } from 'zod';
import { RRule } from './rrule.ts';
import { TimeZone } from './time-zone.ts';

/** Days on which a series does not come, at most. */
export const EXDATES_MAX = 200;

/** How something comes again: by a rule, on the clocks of a time zone. Its start is the first time. */
export const Recurrence = z.strictObject({
	rrule: RRule,
	/** What is at nine there stays at nine when its clocks are moved. */
	time_zone: TimeZone,
	/** Days, in that zone, on which it does not come. */
	exdates: z
		.array(z.iso.date())
		.max(EXDATES_MAX)
		.overwrite((days) => [...new Set(days)].sort())
		.default([]),
});
export type Recurrence = z.infer<typeof Recurrence>;

/** What comes again, or (without a recurrence) does not. */
export interface Series {
	start: string;
	end: string | null;
	recurrence: Recurrence | null;
}

/** One time of a series. */
export interface Occurrence {
	start: string;
	end: string | null;
}
