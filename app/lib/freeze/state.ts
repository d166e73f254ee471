import type { Freeze } from '#domain/freeze.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export type FreezeState = 'on' | 'ahead' | 'over' | 'recurs';

/** Of what has begun to recur it is not said whether it is on. */
export function freezeState({ start, end, recurrence, recurs_until }: Freeze, now: number): FreezeState {
	if (Date.parse(start) > now) return 'ahead';
	if (recurrence === null) return Date.parse(end) <= now ? 'over' : 'on';
	return recurs_until !== null && Date.parse(recurs_until) <= now ? 'over' : 'recurs';
}

export const freezeStateName: Words<FreezeState> = {
	on: m.freeze_on,
	ahead: m.freeze_ahead,
	over: m.freeze_over,
	recurs: m.recurs,
};
