import { afterEach, describe, expect, it } from 'vitest';
import { RRule } from '#domain/rrule.ts';
import { seriesFault } from '#domain/series.ts';
import { TimeZone } from '#domain/time-zone.ts';
import { faultWords } from '#lib/recurrence/faults.ts';
import { getLocale, overwriteGetLocale } from '#lib/paraglide/runtime.js';
import { fieldMessage } from '#lib/ui/field-message.ts';

const own = getLocale;
afterEach(() => {
	overwriteGetLocale(own);
});

/** What the form shows of a refusal, in a language. */
function shown(message: string | undefined, locale: 'en' | 'fr'): string | undefined {
	overwriteGetLocale(() => locale);
	return faultWords(message === undefined ? undefined : fieldMessage(message));
}
const said = (rule: string) => RRule.safeParse(rule).error?.issues[0]?.message;
const faultOf = (rrule: string, start = '2031-03-03T08:00:00Z', end: string | null = null) =>
	seriesFault({ start, end, recurrence: { rrule, time_zone: 'Europe/Paris', exdates: [] } })?.message;

describe('what is wrong with a recurrence', () => {
	it.each([
		['every week', said('every week')],
		['FREQ twice', said('FREQ=DAILY;FREQ=DAILY')],
		['an hour of its own', said('FREQ=DAILY;BYHOUR=3')],
		['a part that is none', said('FREQ=DAILY;X-OWN=3')],
		['seconds', said('FREQ=SECONDLY')],
		['two ends', said('FREQ=DAILY;COUNT=3;UNTIL=20310401')],
		['an end that is no day', said('FREQ=DAILY;UNTIL=soon')],
		['days by the hour', said('FREQ=HOURLY;BYDAY=MO')],
		['months by the week', said('FREQ=WEEKLY;BYMONTH=3')],
		['a position of nothing', said('FREQ=MONTHLY;BYSETPOS=1')],
		['a week that begins oddly', said('FREQ=WEEKLY;WKST=XX')],
		['an interval of none', said('FREQ=DAILY;INTERVAL=0')],
		['a month of none', said('FREQ=YEARLY;BYMONTH=13')],
		['days that are none', said('FREQ=WEEKLY;BYDAY=XX')],
		['the first Monday of a week', said('FREQ=WEEKLY;BYDAY=1MO')],
		['an end before the start', faultOf('FREQ=DAILY;UNTIL=20300101')],
		['no such day', faultOf('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30')],
		['another day than the start', faultOf('FREQ=WEEKLY;BYDAY=TU')],
		['longer than until it comes again', faultOf('FREQ=DAILY', undefined, '2031-03-05T08:00:00Z')],
		['too long ago', faultOf('FREQ=DAILY', '1950-03-03T08:00:00Z')],
		['a zone that is none', TimeZone.safeParse('Mars/Olympus').error?.issues[0]?.message],
		['no first time', 'needs planned_start: that is the first time'],
	])('is said in both languages: %s', (_what, message) => {
		expect(message).toBeTypeOf('string');
		const [english, french] = [shown(message, 'en'), shown(message, 'fr')];
		expect(french).not.toBe(message);
		expect(french).not.toBe(english);
		expect(english).toMatch(/^[A-Z].*\.$/);
	});

	it('keeps what there is to know: the day, the part, the numbers', () => {
		expect(shown(faultOf('FREQ=WEEKLY;BYDAY=TU'), 'en')).toContain('4 March 2031');
		expect(shown(said('FREQ=DAILY;BYHOUR=3'), 'fr')).toContain('BYHOUR');
		expect(shown(said('FREQ=YEARLY;BYMONTH=13'), 'fr')).toMatch(/BYMONTH.* 1 .* 12/);
		expect(shown(undefined, 'fr')).toBeUndefined();
		expect(shown('something new', 'fr')).toBe('something new');
	});
});
