import { z } from 'zod';
import { Time } from '#domain/common.ts';
import { EXDATES_MAX, type Recurrence } from '#domain/recurrence.ts';
import { RRule } from '#domain/rrule.ts';
import { TimeZone } from '#domain/time-zone.ts';
import { many, one, type Values } from './args.ts';
import { usage } from './failure.ts';

/** When a job is planned, and how it comes again: taken by whatever makes one or changes it. */
export const planOptions = {
	start: one('TIME', Time, 'when it is planned to begin, as 2027-01-31T09:00:00Z'),
	end: one('TIME', Time, 'when it is planned to end'),
	recurrence: one('RULE', RRule, 'how it comes again, by RFC 5545: FREQ=WEEKLY;BYDAY=MO,TH'),
	'time-zone': one('ZONE', TimeZone, "on whose clocks: Europe/Paris (default this machine's)"),
	except: many('DAY', z.iso.date(), 'a day on which it does not come, as 2027-12-25'),
	'auto-start': one('yes|no', z.enum(['yes', 'no']), 'whether it starts by itself at its time'),
};

interface Plan {
	planned_start?: string;
	planned_end?: string;
	recurrence?: Recurrence;
	auto_start?: boolean;
}

/** What of a job these options say. `before`: how it comes again so far; what is not said of that stays. */
export function planOf(values: Values<typeof planOptions>, before: Recurrence | null = null): Plan {
	const { start, end, 'auto-start': auto } = values;
	const recurrence = recurrenceOf(values, before);
	return {
		...(start !== undefined && { planned_start: start }),
		...(end !== undefined && { planned_end: end }),
		...(recurrence !== undefined && { recurrence }),
		...(auto !== undefined && { auto_start: auto === 'yes' }),
	};
}

function recurrenceOf(values: Values<typeof planOptions>, before: Recurrence | null): Recurrence | undefined {
	const { recurrence, 'time-zone': zone, except } = values;
	if (recurrence === undefined && zone === undefined && except.length === 0) return undefined;
	const rrule = recurrence ?? before?.rrule;
	if (rrule === undefined) throw usage('--time-zone and --except are of what comes again: say how, with --recurrence.');
	if (except.length > EXDATES_MAX) throw usage(`--except: at most ${String(EXDATES_MAX)} days`);
	return {
		rrule,
		time_zone: zone ?? before?.time_zone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone,
		exdates: except.length > 0 ? except : (before?.exdates ?? []),
	};
}
