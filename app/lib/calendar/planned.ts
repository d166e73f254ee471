import { z } from 'zod';
import { CalendarEntry } from '#domain/calendar-entry.ts';
import type { FreezeTime } from '#domain/freeze.ts';
import { api } from '#lib/api/client.ts';
import { loadFreezeTimes } from '#lib/freeze/load.ts';

interface Span {
	start: Date;
	end: Date;
}

interface Planned {
	entries: CalendarEntry[];
	freezes: FreezeTime[];
}

const keyOf = (project_id: number | null, { start, end }: Span) => JSON.stringify([project_id, start, end]);

async function ask(project_id: number | null, span: Span): Promise<Planned> {
	const [start, end] = [span.start.toISOString(), span.end.toISOString()];
	const [entries, freezes] = await Promise.all([
		api.get('/calendar', z.array(CalendarEntry), { query: { start, end, project_id } }),
		loadFreezeTimes(project_id, { from: start, to: end }),
	]);
	return { entries, freezes };
}

/**
 * What is planned in the time that a calendar shows, of a project or (null) of all. The calendar draws all of it anew, beneath
 * whoever points at it: only where there is something new.
 */
export class PlannedTime {
	#shown = '';
	#ahead: { of: string; what: Planned } | null = null;

	/** To be shown. */
	async get(project_id: number | null, span: Span): Promise<Planned> {
		const of = keyOf(project_id, span);
		const what = this.#ahead?.of === of ? this.#ahead.what : await ask(project_id, span);
		this.#ahead = null;
		this.#shown = of + JSON.stringify(what);
		return what;
	}

	/** Whether it is another than was shown last; `get` then has it at once. */
	async news(project_id: number | null, span: Span): Promise<boolean> {
		const of = keyOf(project_id, span);
		const what = await ask(project_id, span);
		if (of + JSON.stringify(what) === this.#shown) return false;
		this.#ahead = { of, what };
		return true;
	}
}
