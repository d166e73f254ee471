import { ActionItem, PostMortemHead } from '#domain/postmortem.ts';
import { live } from '#lib/live/live.svelte.ts';

export const postmortems = live.also('postmortem', PostMortemHead);
export const actions = live.also('action_item', ActionItem);
