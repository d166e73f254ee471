import { IncidentEntry } from '#domain/incident-entry.ts';
import { IncidentLinkView } from '#domain/incident-link.ts';
import { IncidentView } from '#domain/incident.ts';
import { ActionItem, PostMortemHead } from '#domain/postmortem.ts';
import { live } from '#lib/live/live.svelte.ts';

// Apart from the other rows: the first page of the app needs none of these schemas.

export const incidents = live.also('incident', IncidentView);
export const entries = live.also('incident_entry', IncidentEntry);
export const links = live.also('incident_link', IncidentLinkView);
export const postmortems = live.also('postmortem', PostMortemHead);
export const actions = live.also('action_item', ActionItem);
