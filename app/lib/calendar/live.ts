import { Event } from '#domain/event.ts';
import { live } from '#lib/live/live.svelte.ts';

export const events = live.also('event', Event);
