import { ScriptRef } from '#domain/script.ts';
import { live } from '#lib/live/live.svelte.ts';

export const scripts = live.also('script', ScriptRef);
