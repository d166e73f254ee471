import {
	calendarState,
	type CalendarState,
	type Freeze,
	freezesOn,
	type FreezeTime,
	type FreezeWindow,
	holdsIn,
} from './freeze.ts';
import { occurrences } from './series.ts';

type Recurring = FreezeWindow & Pick<Freeze, 'recurrence'>;

const DAY_MS = 86_400_000;
/** How far ahead the end of what recurs is looked for, in steps: what comes soon costs little. */
const AHEAD_DAYS = [2, 40, 400];

const later = (at: string, ms: number) => new Date(Date.parse(at) + ms).toISOString();

/** The times of freezes that touch a window, each with what is said of its freeze, in the order of their start. */
export const timesOf = <F extends Recurring>(freezes: readonly F[], window: { from: string; to: string }): F[] =>
	freezes
		.flatMap((freeze) =>
			freeze.recurrence === null
				? [freeze]
				: occurrences(freeze, window).map(({ start, end }) => ({ ...freeze, start, end: end ?? start })),
		)
		.filter(({ start, end }) => end > window.from && start < window.to)
		.sort((a, b) => (a.start < b.start ? -1 : 1));

/** The times of freezes, as the calendar is told of them. */
export const freezeTimes = (
	freezes: readonly (Recurring & Pick<Freeze, 'id' | 'project_id' | 'reason'>)[],
	window: { from: string; to: string },
): FreezeTime[] =>
	timesOf(freezes, window).map(({ id, project_id, environment_id, title, reason, start, end }) => ({
		freeze_id: id,
		...{ project_id, environment_id, title, reason, start, end },
	}));

/** `freezesOn` for what may recur: each as it is on then. */
export const recurringOn = <F extends Recurring>(
	freezes: readonly F[],
	environment_id: number | null,
	at: string,
): F[] => freezesOn(timesOf(freezes, { from: at, to: later(at, 1) }), environment_id, at);

/** `calendarState` for what may recur. That is looked at for a good year ahead: what changes later is not known. */
export function recurringState(
	freezes: readonly Recurring[],
	environment_id: number | null,
	at: string,
): CalendarState {
	const held = freezes.filter((freeze) => holdsIn(freeze, environment_id));
	let state = calendarState(held, environment_id, at);
	if (held.every(({ recurrence }) => recurrence === null)) return state;
	const once = held.filter(({ recurrence }) => recurrence === null);
	const series = held.filter(({ recurrence }) => recurrence !== null);
	for (const days of AHEAD_DAYS) {
		const to = later(at, days * DAY_MS);
		state = calendarState([...once, ...timesOf(series, { from: at, to })], environment_id, at);
		if (state.next_transition !== null && state.next_transition < to) return state;
	}
	return { ...state, next_transition: null };
}
