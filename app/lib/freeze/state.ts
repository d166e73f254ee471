import type { Freeze } from '#domain/freeze.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export type FreezeState = 'on' | 'ahead' | 'over';

export const freezeState = ({ start, end }: Pick<Freeze, 'start' | 'end'>, now: number): FreezeState =>
	Date.parse(end) <= now ? 'over' : Date.parse(start) <= now ? 'on' : 'ahead';

export const freezeStateName: Words<FreezeState> = {
	on: m.freeze_on,
	ahead: m.freeze_ahead,
	over: m.freeze_over,
};
