/** One entry of a calendar, as iCalendar tells it (RFC 5545). */
export interface IcalEntry {
	uid: string;
	title: string;
	/** ISO 8601, UTC. */
	start: string;
	end: string | null;
	all_day: boolean;
	status: 'CONFIRMED' | 'CANCELLED';
	categories: readonly string[];
	url: string;
	version: number;
	updated_at: string;
}

const LINE_MAX = 75;
const utf8 = new TextEncoder();

const escaped = (text: string) =>
	text
		.replace(/\\/g, '\\\\')
		.replace(/;/g, '\\;')
		.replace(/,/g, '\\,')
		.replace(/\r\n|\r|\n/g, '\\n');
const stamp = (iso: string) => iso.replace(/[-:]|\.\d+/g, '');
/** The day that begins with midnight somewhere: what has its noon there is that day nearly everywhere. */
const day = (iso: string) => stamp(new Date(Date.parse(iso) + 12 * 3_600_000).toISOString()).slice(0, 8);

/** A line of at most 75 bytes, then lines that begin with a space; no character is cut in two. */
export function folded(line: string): string {
	let out = '';
	let bytes = 0;
	for (const char of line) {
		const size = utf8.encode(char).length;
		if (bytes + size > LINE_MAX) {
			out += '\r\n ';
			bytes = 1;
		}
		out += char;
		bytes += size;
	}
	return `${out}\r\n`;
}

/** Times are in UTC, so that every program shows them in its reader's zone and none has to know of ours. */
export function calendarOf(name: string, entries: readonly IcalEntry[]): string {
	const lines = [
		'BEGIN:VCALENDAR',
		'VERSION:2.0',
		'PRODID:-//uHub//uHub//EN',
		'CALSCALE:GREGORIAN',
		'METHOD:PUBLISH',
		`NAME:${escaped(name)}`,
		`X-WR-CALNAME:${escaped(name)}`,
		'REFRESH-INTERVAL;VALUE=DURATION:PT15M',
		'X-PUBLISHED-TTL:PT15M',
		...entries.flatMap((entry) => [
			'BEGIN:VEVENT',
			`UID:${escaped(entry.uid)}`,
			`DTSTAMP:${stamp(entry.updated_at)}`,
			`LAST-MODIFIED:${stamp(entry.updated_at)}`,
			`SEQUENCE:${String(entry.version - 1)}`,
			...(entry.all_day
				? [`DTSTART;VALUE=DATE:${day(entry.start)}`, ...allDayEnd(entry)]
				: [`DTSTART:${stamp(entry.start)}`, ...(entry.end === null ? [] : [`DTEND:${stamp(entry.end)}`])]),
			`SUMMARY:${escaped(entry.title)}`,
			`CATEGORIES:${entry.categories.map(escaped).join(',')}`,
			`STATUS:${entry.status}`,
			`URL:${entry.url}`,
			'END:VEVENT',
		]),
		'END:VCALENDAR',
	];
	return lines.map(folded).join('');
}

/** The day after the last one; a single day needs none. */
const allDayEnd = ({ start, end }: IcalEntry): string[] =>
	end === null || day(end) <= day(start) ? [] : [`DTEND;VALUE=DATE:${day(end)}`];
