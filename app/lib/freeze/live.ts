import { Freeze } from '#domain/freeze.ts';
import { live } from '#lib/live/live.svelte.ts';

/** Freezes that come, move or go while one looks. */
export const changed = live.also('freeze', Freeze);
