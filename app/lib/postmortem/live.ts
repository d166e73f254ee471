import { ActionItem } from '#domain/postmortem.ts';
import { live } from '#lib/live/live.svelte.ts';

export const actions = live.also('action_item', ActionItem);
