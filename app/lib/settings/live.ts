import { Environment } from '#domain/environment.ts';
import { live } from '#lib/live/live.svelte.ts';

export const environments = live.also('environment', Environment);
